import { randomBytes } from 'node:crypto';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Actor } from './actor.ts';
import { until } from './deadline.ts';
import { answers } from './held-connection.ts';
import { nginxCommand } from './nginx-command.ts';
import type { Stage } from './stage.ts';

/** The service behind every contestant: one nginx worker, `hello` at `/`, files `/1k`, `/1m` and `/100m`. */
export interface Upstream {
  readonly port: number;
  readonly actor: Actor;
}

export async function startUpstream(stage: Stage): Promise<Upstream> {
  const port = await stage.port();
  const folder = stage.room('upstream');
  writeFiles(folder);
  const command = nginxCommand(folder, httpBlock(port, folder), { workers: 1, connections: 16_000 });
  const actor = stage.start({ label: 'upstream', command });
  const address = { port, hostname: 'upstream' };
  await until(() => answers(address), { what: 'answer of the upstream', every: 50, within: 10_000 });
  return { port, actor };
}

function writeFiles(folder: string): void {
  const mebibyte = randomBytes(1 << 20);
  writeFileSync(join(folder, '1k'), mebibyte.subarray(0, 1024));
  writeFileSync(join(folder, '1m'), mebibyte);
  for (let written = 0; written < 100; written += 1) appendFileSync(join(folder, '100m'), mebibyte);
}

function httpBlock(port: number, folder: string): string {
  return `
    sendfile on; tcp_nopush on;
    open_file_cache max=100; default_type application/octet-stream;
    server {
      listen 127.0.0.1:${port} backlog=4096;
      root ${folder};
      location = / { default_type text/plain; return 200 "hello"; }
    }`;
}
