import { join } from 'node:path';
import type { Address } from './held-connection.ts';
import type { Stage } from './stage.ts';

/** What the bulk reader counted. Bytes are of bodies, and those of the warm-up count in `allBytes` only. */
export interface BulkResult {
  readonly seconds: number;
  readonly bytes: number;
  readonly allBytes: number;
  readonly errors: number;
}

export interface BulkLoad {
  readonly streams: number;
  readonly seconds: number;
  readonly warmSeconds: number;
  readonly path: string;
}

/** Downloads a file again and again over some connections, in a process of its own. */
export async function bulkDownload(stage: Stage, address: Address, load: BulkLoad): Promise<BulkResult> {
  const reader = join(import.meta.dirname, 'bulk-reader.ts');
  const task = JSON.stringify({ ...load, port: address.port, hostname: address.hostname });
  const output = await stage.run([process.execPath, reader, task], load.seconds + load.warmSeconds + 30);
  return JSON.parse(output) as BulkResult;
}
