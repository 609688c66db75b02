import { connect } from 'node:net';
import { memoryFigures, meteredVisit } from './cost.ts';
import type { Figures } from '../statistics.ts';
import { wrk, type Load, type WrkResult } from '../wrk.ts';
import { column, type Case, type Taken, type Visit } from './case.ts';

/** Enough to keep a contestant busy, and no more. */
const BUSY = 64;
const TEN_TIMES = 10 * BUSY;
/** Below what one client address may hold at culvert's edge. */
const FIFTY_TIMES = 50 * BUSY;

/** How often, in milliseconds, the admin address is asked under load. */
const ADMIN_EVERY_MS = 250;
/** What a missing answer counts as. */
const NO_ANSWER_MS = 60_000;

/** How far the answers a second go down when far more is asked than can be done. */
export const overload: Case = {
  name: 'overload',
  title: `answers of 200 a second to ${BUSY}, ${TEN_TIMES} and ${FIFTY_TIMES} impatient clients, 5 bytes`,
  start: 'own',
  columns: [
    column('kept, 64', 'kept1'),
    column('kept, 640', 'kept10'),
    column('kept, 3200', 'kept50'),
    column('least of 64, kept', 'keptShare', 2),
    column('p99 ms at 3200', 'keptP99', 1),
    column('close, 64', 'close1'),
    column('close, 640', 'close10'),
    column('of 64, close', 'closeShare', 2),
    column('slowest /healthz ms', 'adminMs', 1),
    column('server MiB', 'rssServer'),
    column('agent MiB', 'rssAgent'),
    column('errors', 'errors'),
  ],
  compared: [],
  async measure(visit: Visit): Promise<Taken> {
    await drive(visit, BUSY, 'keep-alive', visit.warmSeconds);
    const { result, usage } = await meteredVisit(visit, () => measureOverload(visit));
    return { figures: { ...result, ...memoryFigures(visit, usage) }, noise: usage.noise };
  },
};

async function measureOverload(visit: Visit): Promise<Figures> {
  const run = (connections: number, connection: Load['connection']): Promise<WrkResult> =>
    drive(visit, connections, connection, visit.seconds);
  const kept1 = await run(BUSY, 'keep-alive');
  const close1 = await run(BUSY, 'close');
  await using admin = new AdminWatch(visit.running.adminPort);
  const kept10 = await run(TEN_TIMES, 'keep-alive');
  const kept50 = await run(FIFTY_TIMES, 'keep-alive');
  const close10 = await run(TEN_TIMES, 'close');
  const figures = {
    kept1: kept1.goodPerSecond,
    kept10: kept10.goodPerSecond,
    kept50: kept50.goodPerSecond,
    keptShare: Math.min(kept10.goodPerSecond, kept50.goodPerSecond) / kept1.goodPerSecond,
    keptP99: kept50.p99,
    close1: close1.goodPerSecond,
    close10: close10.goodPerSecond,
    closeShare: close10.goodPerSecond / close1.goodPerSecond,
    errors: [kept1, kept10, kept50, close1, close10].reduce((sum, { errors }) => sum + errors, 0),
  };
  return admin.slowestMs === undefined ? figures : { ...figures, adminMs: admin.slowestMs };
}

function drive(
  { stage, running }: Visit,
  connections: number,
  connection: Load['connection'],
  seconds: number,
): Promise<WrkResult> {
  return wrk(stage, running, { connections, connection, seconds, path: '/' });
}

/** Asks an admin address over and over, each time on a new connection, until it is disposed of. */
class AdminWatch implements AsyncDisposable {
  /** Milliseconds; undefined before the first answer. */
  slowestMs: number | undefined;
  readonly #watching: Promise<void>;
  #over = false;

  /** @param port 0: there is none to watch */
  constructor(port: number) {
    this.#watching = port === 0 ? Promise.resolve() : this.#watch(port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    await this.#watching;
  }

  async #watch(port: number): Promise<void> {
    while (!this.#over) {
      const asked = performance.now();
      const took = (await healthz(port)) ? performance.now() - asked : NO_ANSWER_MS;
      this.slowestMs = Math.max(this.slowestMs ?? 0, took);
      await new Promise((resolve) => setTimeout(resolve, ADMIN_EVERY_MS));
    }
  }
}

/** Whether it answers 200. */
function healthz(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () =>
      socket.write('GET /healthz HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n'),
    );
    socket.on('error', () => undefined); // 'close' follows
    socket.once('close', () => resolve(false));
    socket.once('data', (answer: Buffer) => {
      resolve(answer.toString('latin1').startsWith('HTTP/1.1 200 '));
      socket.destroy();
    });
  });
}
