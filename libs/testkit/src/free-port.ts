import { closeSync, mkdirSync, openSync, statSync, utimesSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Below the range from which Linux takes the ports of outgoing connections: a port that is handed out here and
 * bound a moment later cannot become somebody's source port in between.
 */
const FIRST_PORT = 15_000;
const LAST_PORT = 32_700;
/** Test processes that run at the same time begin far apart. */
const STRIDE = 97;
/** For so long, ms, a port that was handed out is nobody else's, bound or not: some stand for a server that comes later. */
const RESERVED_MS = 120_000;
/** A file for each port that was handed out, so that processes know of each other. */
const RESERVATIONS = join(tmpdir(), 'culvert-test-ports');

let next = FIRST_PORT + ((process.pid * STRIDE) % (LAST_PORT - FIRST_PORT));

/** A TCP port of loopback that was free a moment ago, and that no other test is handed out meanwhile. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = next;
    next = port >= LAST_PORT ? FIRST_PORT : port + 1;
    if ((await isFree(port)) && reserve(port)) return port;
  }
}

/** On all addresses: what listens on one of them only would take part of the traffic otherwise. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '0.0.0.0', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

function reserve(port: number): boolean {
  const file = join(RESERVATIONS, String(port));
  mkdirSync(RESERVATIONS, { recursive: true });
  try {
    closeSync(openSync(file, 'wx'));
    return true;
  } catch {
    const now = Date.now();
    if (now - statSync(file).mtimeMs < RESERVED_MS) return false;
    utimesSync(file, now / 1_000, now / 1_000);
    return true;
  }
}
