import { createServer } from 'node:net';

/**
 * Below the range from which Linux takes the ports of outgoing connections: a port that is handed out here and
 * bound a moment later cannot become somebody's source port in between.
 */
const FIRST_PORT = 15_000;
const LAST_PORT = 32_700;
/** Test processes that run at the same time begin far apart, so that they do not hand out the same port. */
const STRIDE = 97;

let next = FIRST_PORT + ((process.pid * STRIDE) % (LAST_PORT - FIRST_PORT));

/** A TCP port of loopback that was free a moment ago; not the same one twice in a row of many. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = next;
    next = port >= LAST_PORT ? FIRST_PORT : port + 1;
    if (await isFree(port)) return port;
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
