import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** Copies of chunks wait here for their time; the buffer of a long path is as large as it needs to be. */
interface Delayed {
  readonly at: number;
  readonly chunk: Buffer | undefined;
}

/**
 * Passes everything on after a while, each way, as a long path does; what is on its way has no bound.
 * @param bytesPerMs what each direction of a connection carries; Infinity for as much as there is
 */
export async function startDelayProxy(
  targetPort: number,
  delayMs: number,
  bytesPerMs: number,
): Promise<{ port: number; server: Server }> {
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port: targetPort, host: '127.0.0.1', noDelay: true });
    passOn(near, far, delayMs, bytesPerMs);
    passOn(far, near, delayMs, bytesPerMs);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, server };
}

function passOn(from: Socket, to: Socket, delayMs: number, bytesPerMs: number): void {
  let freeAt = 0;
  const queue: Delayed[] = [];
  let timer: NodeJS.Timeout | undefined;
  const send = (): void => {
    timer = undefined;
    const now = performance.now();
    while (queue.length > 0 && queue[0]!.at <= now) {
      const { chunk } = queue.shift()!;
      if (chunk === undefined) to.end();
      else to.write(chunk);
    }
    if (queue.length > 0) timer = setTimeout(send, Math.max(1, queue[0]!.at - now));
  };
  const add = (chunk: Buffer | undefined): void => {
    freeAt = Math.max(freeAt, performance.now()) + (chunk?.length ?? 0) / bytesPerMs;
    queue.push({ at: freeAt + delayMs, chunk });
    timer ??= setTimeout(send, delayMs);
  };
  from.on('data', add);
  from.on('end', () => add(undefined));
  from.on('error', () => to.destroy());
}
