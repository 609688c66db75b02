// A program: downloads over raw sockets as told by its argument and prints what it counted as JSON.
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { BodyCounter } from './body-counter.ts';
import type { BulkLoad, BulkResult } from './bulk-download.ts';
import type { Address } from './held-connection.ts';

type Task = BulkLoad & Address;

/** All sockets read into this one buffer: each chunk is counted before the next read. */
const BUFFER = Buffer.allocUnsafe(256 * 1024);

class Download {
  readonly #socket: Socket;
  readonly #counter = new BodyCounter();
  bytes = 0;
  errors = 0;

  constructor(task: Task) {
    const request = `GET ${task.path} HTTP/1.1\r\nHost: ${task.hostname}\r\n\r\n`;
    const onread = { buffer: BUFFER, callback: (length: number) => this.#take(length, request) };
    this.#socket = connect({ port: task.port, host: '127.0.0.1', noDelay: true, onread });
    this.#socket.on('connect', () => this.#socket.write(request));
    this.#socket.on('error', () => (this.errors += 1));
    this.#socket.on('end', () => (this.errors += 1));
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(length: number, request: string): boolean {
    const { bytes, complete } = this.#counter.take(BUFFER.subarray(0, length));
    this.bytes += bytes;
    if (complete) this.#socket.write(request);
    return true;
  }
}

async function read(task: Task): Promise<BulkResult> {
  const downloads = Array.from({ length: task.streams }, () => new Download(task));
  const total = (): number => downloads.reduce((sum, { bytes }) => sum + bytes, 0);
  await sleep(task.warmSeconds * 1_000);
  const [at, before] = [performance.now(), total()];
  await sleep(task.seconds * 1_000);
  const [seconds, bytes] = [(performance.now() - at) / 1_000, total() - before];
  downloads.forEach((download) => download.close());
  return {
    seconds,
    bytes,
    allBytes: total(),
    errors: downloads.reduce((sum, { errors }) => sum + errors, 0),
  };
}

process.stdout.write(JSON.stringify(await read(JSON.parse(process.argv[2] ?? '{}') as Task)));
