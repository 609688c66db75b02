import { Keystream, KeystreamCheck } from '../content.ts';
import { NoAnswerError } from '../user.ts';
import { WrongBytesError, fitting } from './kind.ts';
import type { Errand, Kind } from './kind.ts';

const PIECE_BYTES = 65_536;

export interface BulkSize {
  readonly bytes: number;
  /** How long it takes at least: slow enough for something to happen meanwhile. */
  readonly ms: number;
}

export function upload(size: BulkSize): Kind {
  return { name: 'upload', run: (errand) => send(errand, size) };
}

export function download(size: BulkSize): Kind {
  return { name: 'download', run: (errand) => fetchBulk(errand, size) };
}

async function send({ user, hostname, seed }: Errand, { bytes, ms }: BulkSize): Promise<void> {
  const asking = user.ask({
    hostname,
    method: 'PUT',
    path: `/upload/${seed}`,
    headers: { 'content-length': bytes },
    body: pieces(seed, bytes),
    pieceMs: (ms * PIECE_BYTES) / bytes,
  });
  const incoming = fitting(await asking);
  let verdict = '';
  try {
    for await (const part of incoming) verdict += String(part);
  } catch (error) {
    throw new NoAnswerError(error as NodeJS.ErrnoException, false);
  }
  if (verdict !== `${bytes}`) throw new WrongBytesError(`of ${bytes} bytes the service got ${verdict}`);
}

function* pieces(seed: string, bytes: number): Generator<Buffer> {
  const content = new Keystream(seed);
  for (let at = 0; at < bytes; at += PIECE_BYTES) yield content.take(Math.min(PIECE_BYTES, bytes - at));
}

async function fetchBulk({ user, hostname, seed }: Errand, { bytes, ms }: BulkSize): Promise<void> {
  const incoming = fitting(
    await user.ask({ hostname, method: 'GET', path: `/download/${seed}/${bytes}/${ms}` }),
  );
  const check = new KeystreamCheck(seed);
  try {
    for await (const part of incoming) check.take(part as Buffer);
  } catch (error) {
    if (check.wrongFrom === undefined) throw new NoAnswerError(error as NodeJS.ErrnoException, false);
  }
  if (check.wrongFrom !== undefined) throw new WrongBytesError(`download from byte ${check.wrongFrom} on`);
  // An end like any other although something is missing.
  if (check.received !== bytes)
    throw new WrongBytesError(`download of ${check.received} instead of ${bytes}`);
}
