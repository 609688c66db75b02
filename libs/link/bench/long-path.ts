/**
 * What a link makes of a long path, and what stalled streams cost: `node libs/link/bench/long-path.ts`.
 * The path is a proxy of our own that delays by 50 ms each way; both ends and the proxy are processes of their own.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { ResetCode } from '@culvert/wire';
import { StreamMemory } from '../src/index.ts';
import { startDelayProxy } from './delay-proxy.ts';
import { CHUNK, download, listen, startAgent, startEdge } from './ends.ts';

const DELAY_MS = 50;
/** What is fetched, and what the path carries in bytes a millisecond. */
const PATHS = [
  { bytes: 30_000_000, bytesPerMs: 12_500 },
  { bytes: 300_000_000, bytesPerMs: 125_000 },
  { bytes: 1_000_000_000, bytesPerMs: Infinity },
] as const;
type Path = (typeof PATHS)[number];
const ACTIVE_BYTES = 1_000_000_000;
const STALLED = 1_000;
const ROUNDS = 3;
const MEMORY_BYTES = 256 * 1_048_576;
const MIB = 1_048_576;

const [part, ...ports] = process.argv.slice(2);
const port = Number(ports[0]);

async function partOf(name: string): Promise<void> {
  if (name === 'proxy') tell((await startDelayProxy(port, DELAY_MS, Number(ports[1]))).port);
  if (name === 'agent') {
    await startAgent(port, new StreamMemory(MEMORY_BYTES));
    process.on('message', () => process.send!(process.memoryUsage().rss));
    tell(0);
  }
  if (name === 'source') tell((await listen((socket) => source(socket, Number(ports[1])))).port);
}

function tell(value: number): void {
  process.send!(value);
}

/** Plain TCP: sends the same bytes to whoever connects. */
function source(socket: Socket, bytes: number): void {
  let left = bytes;
  const go = (): void => {
    let room = true;
    while (room && left > 0) {
      left -= CHUNK.length;
      room = socket.write(CHUNK);
    }
    if (left <= 0) socket.end();
  };
  socket.on('drain', go);
  socket.on('error', () => undefined);
  socket.resume();
  go();
}

async function start(name: string, at = 0, amount = 0): Promise<{ child: ChildProcess; value: number }> {
  const child = fork(import.meta.filename, [name, `${at}`, `${amount}`]);
  const value = await new Promise<number>((resolve) =>
    child.once('message', (told) => resolve(told as number)),
  );
  return { child, value };
}

const ask = (child: ChildProcess) =>
  new Promise<number>((resolve) => {
    child.once('message', (told) => resolve(told as number));
    child.send('memory');
  });

/** Bytes a second from the first byte's request to the last byte. */
async function plainRate({ bytes, bytesPerMs }: Path): Promise<number> {
  const from = await start('source', 0, bytes);
  const proxy = await start('proxy', from.value, bytesPerMs);
  const startedAt = performance.now();
  let received = 0;
  await new Promise<void>((resolve) => {
    const socket = connect({ port: proxy.value, host: '127.0.0.1' });
    socket.on('data', (chunk: Buffer) => (received += chunk.length));
    socket.on('end', () => resolve());
  });
  from.child.kill();
  proxy.child.kill();
  return (received * 1_000) / (performance.now() - startedAt);
}

async function linkRate({
  bytes,
  bytesPerMs,
}: Path): Promise<{ rate: number; later: number; window: number }> {
  const memory = new StreamMemory(MEMORY_BYTES);
  const edge = await startEdge(memory);
  const proxy = await start('proxy', edge.port, bytesPerMs);
  const agent = await start('agent', proxy.value);
  const link = await edge.link;
  // The first pong tells the round trip.
  while (link.roundTripMs < DELAY_MS) await new Promise((resolve) => setTimeout(resolve, 20));
  const startedAt = performance.now();
  const running = download(link, memory, bytes, 'taking');
  let window = 0;
  let half = { at: startedAt, received: 0 };
  const watch = setInterval(() => {
    window = Math.max(window, memory.granted);
    if (running.received() < bytes / 2) half = { at: performance.now(), received: running.received() };
  }, 20);
  await running.ended;
  clearInterval(watch);
  const rate = (running.received() * 1_000) / (performance.now() - startedAt);
  const later = ((running.received() - half.received) * 1_000) / (performance.now() - half.at);
  link.close(13, '');
  edge.server.close();
  agent.child.kill();
  proxy.child.kill();
  return { rate, later, window };
}

async function stalledStreams(): Promise<void> {
  const memory = new StreamMemory(MEMORY_BYTES);
  const edge = await startEdge(memory);
  const agent = await start('agent', edge.port);
  const link = await edge.link;
  const rate = async (): Promise<number> => {
    const startedAt = performance.now();
    const running = download(link, memory, ACTIVE_BYTES, 'taking');
    await running.ended;
    return (running.received() * 1_000) / (performance.now() - startedAt);
  };
  print(
    `${STALLED} stalled downloads and one that runs, one link over loopback, ${MEMORY_BYTES / MIB} MiB of stream memory`,
  );
  await rate();
  for (let round = 0; round < ROUNDS; round++) {
    const before = { edge: process.memoryUsage().rss, agent: await ask(agent.child), rate: await rate() };
    const stalled = Array.from({ length: STALLED }, () => download(link, memory, 10_000_000, 'stalled'));
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const after = { edge: process.memoryUsage().rss, agent: await ask(agent.child), rate: await rate() };
    const pinned = stalled.reduce((sum, { received }) => sum + received(), 0);
    print(
      `  alone ${mb(before.rate)}, with the stalled ones ${mb(after.rate)}: ${percent(after.rate / before.rate)}`,
    );
    print(
      `    received and not taken ${(pinned / MIB).toFixed(1)} MiB, granted ${(memory.granted / MIB).toFixed(1)} MiB`,
    );
    print(`    resident: edge ${rss(before.edge, after.edge)}, agent ${rss(before.agent, after.agent)}`);
    for (const { stream } of stalled) stream.reset(ResetCode.Cancelled);
  }
  link.close(13, '');
  edge.server.close();
  agent.child.kill();
}

const mb = (rate: number) => `${(rate / 1e6).toFixed(0)} MB/s`;
const percent = (ratio: number) => `${(ratio * 100).toFixed(0)} %`;
const rss = (before: number, after: number) =>
  `${(before / MIB).toFixed(0)} -> ${(after / MIB).toFixed(0)} MiB`;
const print = (line: string) => process.stdout.write(`${line}\n`);

async function compare(path: Path): Promise<void> {
  const plain = await plainRate(path);
  const { rate, later, window } = await linkRate(path);
  const grown = `window ${(window / MIB).toFixed(1)} MiB`;
  print(
    `  plain TCP ${mb(plain)}, link ${mb(rate)}: ${percent(rate / plain)}, ${grown}, second half ${mb(later)}`,
  );
}

async function main(): Promise<void> {
  for (const path of PATHS) {
    const carries = Number.isFinite(path.bytesPerMs)
      ? `${path.bytesPerMs / 1_000} MB/s`
      : 'as much as there is';
    print(
      `one stream of ${path.bytes / 1e6} MB over a path of ${2 * DELAY_MS} ms round trip that carries ${carries}`,
    );
    for (let round = 0; round < ROUNDS; round++) await compare(path);
  }
  await stalledStreams();
}

if (part === undefined) await main();
else await partOf(part);
