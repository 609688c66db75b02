import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Backoff, commandLine, within } from '@culvert/lifecycle';
import type { Logger } from '@culvert/telemetry';
import { START_VARIABLE, SUPERVISOR_VARIABLE, WORKER_VARIABLE, type WorkerHello } from './worker.ts';

/** A worker gives its successor 30 s to be ready; this is beyond, ms. */
const REPLACE_TIMEOUT_MS = 35_000;
/** Delays before a worker that has died is started again, ms. */
const BACKOFF = { baseMs: 200, capMs: 10_000, settledMs: 10_000 };

/** A worker did not come to work when all of them were to start. */
export class WorkerFailedError extends Error {
  override readonly name = 'WorkerFailedError';
  /** What there is to say about it. */
  readonly lines: readonly string[];

  constructor(lines: readonly string[]) {
    super(lines.join('; '));
    this.lines = lines;
  }
}

/** A process that has joined, whoever has started it. */
interface Member {
  readonly socket: Socket;
  readonly since: number;
  hello: WorkerHello;
}

/** A worker that takes work. */
export type Serving = WorkerHello & Required<Pick<WorkerHello, 'admin'>>;

/** One of the places that workers fill: with a process that serves, and maybe one that it replaces and that drains. */
interface Place {
  readonly worker: number;
  readonly backoff: Backoff;
  readonly members: Member[];
  /** Started here and not joined yet. */
  starting: ChildProcess | undefined;
  restart: NodeJS.Timeout | undefined;
  /** Called when a process begins to serve here (true), or has gone without (false). */
  onChange: (serves: boolean) => void;
  /** The process that has said itself why it ends. */
  told: number | undefined;
}

/**
 * Keeps the workers of an edge. Each is connected to a socket of the supervisor's for as long as it lives, whoever has
 * started it: one that is replaced starts its successor itself.
 */
export class Supervisor {
  readonly #logger: Logger;
  readonly #places: readonly Place[];
  readonly #folder = mkdtempSync(join(tmpdir(), 'culvert-workers-'));
  readonly #start = randomUUID();
  readonly #server: Server;
  readonly #ready = Promise.withResolvers<void>();
  readonly #empty = Promise.withResolvers<void>();
  #isStarting = true;
  #stopping = false;
  #replacing = false;
  /** Workers that had to be started again. */
  restarts = 0;

  constructor(workers: number, logger: Logger) {
    this.#logger = logger;
    this.#server = createServer((socket) => this.#accept(socket));
    this.#places = Array.from({ length: workers }, (_, at) => ({
      worker: at + 1,
      backoff: new Backoff(BACKOFF),
      members: [],
      starting: undefined,
      restart: undefined,
      onChange: () => undefined,
      told: undefined,
    }));
  }

  /** The workers that serve: of two processes in one place the newer one, for the other is about to go. */
  get serving(): Serving[] {
    return this.#places.flatMap((place) => newestOf(place) ?? []);
  }

  /** Resolves when all workers serve. @throws WorkerFailedError */
  async start(): Promise<void> {
    this.#server.listen(this.#path);
    await once(this.#server, 'listening');
    for (const place of this.#places) this.#spawn(place);
    await this.#ready.promise;
    this.#isStarting = false;
  }

  /** Passes a signal on to each worker that has begun to work. */
  signal(signal: NodeJS.Signals): void {
    for (const { members } of this.#places) for (const { hello } of members) send(hello.pid, signal);
  }

  /**
   * Has each worker replaced by a successor that it starts itself, one after the other so that the others know their way
   * meanwhile. Ends at the first that does not come to work: all the others would not either.
   */
  async replace(): Promise<void> {
    if (this.#replacing || this.#stopping) return;
    this.#replacing = true;
    for (const place of this.#places) {
      if (await this.#replaceOne(place)) continue;
      this.#logger.error('worker is not replaced; it and those after it stay', { worker: place.worker });
      break;
    }
    this.#replacing = false;
  }

  async #replaceOne(place: Place): Promise<boolean> {
    const current = newestOf(place);
    // It is being started anyway.
    if (current === undefined || this.#stopping) return true;
    const replaced = new Promise<boolean>((resolve) => (place.onChange = resolve));
    send(current.pid, 'SIGUSR2');
    return (await within(replaced, REPLACE_TIMEOUT_MS)) === 'done' && replaced;
  }

  /** Tells all workers to drain; resolves when none is left. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const { restart, members, starting } of this.#places) {
      clearTimeout(restart);
      for (const { socket } of members) socket.write('stop\n');
      starting?.kill('SIGTERM');
    }
    this.#checkEmpty();
    await this.#empty.promise;
    this.#server.close();
  }

  /** Ends at once what is left, and leaves nothing behind. */
  end(): void {
    this.#stopping = true;
    this.signal('SIGKILL');
    for (const { starting } of this.#places) starting?.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #path(): string {
    return join(this.#folder, 'supervisor.sock');
  }

  #spawn(place: Place): void {
    const [command, ...args] = commandLine();
    // The service manager is told of the supervisor alone.
    const { NOTIFY_SOCKET: _, ...env } = process.env;
    const child = spawn(command, args, {
      // A session of its own: what a terminal sends to the foreground is the supervisor's to pass on.
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...env,
        [WORKER_VARIABLE]: String(place.worker),
        [SUPERVISOR_VARIABLE]: this.#path,
        [START_VARIABLE]: this.#start,
      },
    });
    place.starting = child;
    child.once('error', (error) => this.#onExit(place, child, error.message));
    child.once('exit', (status, signal) =>
      this.#onExit(place, child, signal === null ? `with status ${status}` : `by ${signal}`),
    );
  }

  #onExit(place: Place, child: ChildProcess, how: string): void {
    const { worker } = place;
    if (this.#isStarting)
      this.#ready.reject(
        new WorkerFailedError([`culvert: worker ${worker} ended ${how} before it was ready`]),
      );
    else if (!this.#stopping && how !== 'with status 0' && place.told !== child.pid)
      this.#logger.error('worker ended', { worker, pid: child.pid, how });
    if (place.starting !== child) return;
    place.starting = undefined;
    this.#fill(place, 0);
  }

  #accept(socket: Socket): void {
    let member: Member | undefined;
    socket.on('error', () => undefined);
    createInterface(socket).on('line', (line) => {
      const hello = JSON.parse(line) as WorkerHello;
      if (member === undefined) member = this.#join(hello, socket);
      else member.hello = hello;
      if (isServing(hello)) this.#onServing(hello);
      if (hello.failure !== undefined) this.#onFailed(hello, hello.failure);
    });
    socket.once('close', () => {
      if (member !== undefined) this.#onGone(member);
    });
  }

  #join(hello: WorkerHello, socket: Socket): Member | undefined {
    const place = this.#places[hello.worker - 1];
    if (place?.starting?.pid === hello.pid) place.starting = undefined;
    const member = { socket, since: performance.now(), hello };
    place?.members.push(member);
    if (this.#stopping) socket.write('stop\n');
    return member;
  }

  #onServing({ worker, pid }: WorkerHello): void {
    this.#places[worker - 1]?.onChange(true);
    this.#logger.info('worker ready', { worker, pid });
    if (this.serving.length === this.#places.length) this.#ready.resolve();
  }

  #onFailed({ worker, pid }: WorkerHello, lines: readonly string[]): void {
    if (this.#isStarting) return this.#ready.reject(new WorkerFailedError(lines));
    const place = this.#places[worker - 1];
    if (place !== undefined) place.told = pid;
    this.#logger.error('worker failed', { worker, pid, reason: lines });
  }

  #onGone(member: Member): void {
    const { worker, pid } = member.hello;
    const place = this.#places[worker - 1];
    if (place === undefined) return;
    place.members.splice(place.members.indexOf(member), 1);
    if (isServing(member.hello)) this.#logger.info('worker gone', { worker, pid });
    else place.onChange(false);
    this.#fill(place, isServing(member.hello) ? performance.now() - member.since : 0);
  }

  /** A place that nobody fills any more is filled again, with patience where that fails. */
  #fill(place: Place, lastedMs: number): void {
    const { members, starting, restart, backoff } = place;
    if (this.#stopping) return this.#checkEmpty();
    if (this.#isStarting || members.length > 0 || starting !== undefined || restart !== undefined) return;
    place.restart = setTimeout(() => {
      place.restart = undefined;
      this.restarts++;
      this.#spawn(place);
    }, backoff.next(lastedMs));
  }

  #checkEmpty(): void {
    const isEmpty = this.#places.every(
      ({ members, starting }) => members.length === 0 && starting === undefined,
    );
    if (isEmpty) this.#empty.resolve();
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended.
  }
}

function newestOf({ members }: Place): Serving | undefined {
  return members.map(({ hello }) => hello).findLast(isServing);
}

function isServing(hello: WorkerHello): hello is Serving {
  return hello.admin !== undefined;
}
