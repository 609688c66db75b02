import { rmdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import type { EdgeSettings } from '@culvert/edge/settings';
import { formatAddress, type ListenAddress } from '@culvert/lifecycle';
import { parseHostPort, type ReadFile } from '@culvert/settings';
import { reportFailure } from './failure.ts';

/** Environment variables that make a process a worker: which one, where its supervisor listens, and of which start. */
export const WORKER_VARIABLE = 'CULVERT_WORKER';
export const SUPERVISOR_VARIABLE = 'CULVERT_SUPERVISOR';
export const START_VARIABLE = 'CULVERT_START';

/** What a worker says to its supervisor, as a line of JSON: when it begins, when it serves, and when it has failed. */
export interface WorkerHello {
  readonly worker: number;
  readonly pid: number;
  /** Where it serves its part of what the supervisor serves as a whole; absent: it does not serve yet. */
  readonly admin?: ListenAddress;
  /** Why it is about to end, in lines as a command that fails prints them. */
  readonly failure?: readonly string[];
}

/** This process as one of several that are the edge together. */
export interface Worker {
  /** Counted from 1. */
  readonly number: number;
  /** The same for all workers of one start of the edge. */
  readonly start: string;
  /** Tells the supervisor that this worker takes work. */
  serves(admin: ListenAddress): void;
  /** Ends this process, and leaves it to the supervisor to say why. */
  failed(error: unknown): Promise<never>;
}

/**
 * Joins the supervisor that has started this process, or the process before it; undefined when none has. The connection
 * lasts as long as the worker. When the supervisor says a word, which can only be to stop, or is gone, the worker drains.
 */
export function joinSupervisor(): Worker | undefined {
  const {
    [WORKER_VARIABLE]: worker,
    [SUPERVISOR_VARIABLE]: path,
    [START_VARIABLE]: start = '',
  } = process.env;
  if (worker === undefined || path === undefined) return undefined;
  const hello: WorkerHello = { worker: Number(worker), pid: process.pid };
  const socket = connect(path);
  const say = (line: WorkerHello): void => void socket.write(`${JSON.stringify(line)}\n`);
  say(hello);
  // Service managers may tell all processes to stop; told twice a process stops at once.
  let isTold = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    isTold = true;
    // There is nothing yet that would drain.
    if (process.listenerCount(signal) === 0) process.exit(0);
  };
  process.once('SIGTERM', onSignal).once('SIGINT', onSignal);
  // Until the file is read for the first time there is nothing to read again.
  process.on('SIGHUP', () => undefined);
  const stop = (): void => {
    if (!isTold) process.kill(process.pid, 'SIGTERM');
  };
  socket.on('error', () => undefined);
  socket.once('data', stop);
  socket.once('close', stop);
  socket.once('connect', () => socket.once('close', () => removeFolderOf(path)));
  socket.unref();
  return {
    number: hello.worker,
    start,
    serves: (admin) => say({ ...hello, admin }),
    failed: async (error) => {
      const failure: string[] = [];
      const status = reportFailure(error, (line) => failure.push(line));
      const line = `${JSON.stringify({ ...hello, failure } satisfies WorkerHello)}\n`;
      await new Promise<void>((resolve) => socket.end(line, () => resolve()));
      process.exit(status);
    },
  };
}

/** Of a supervisor that is gone: one that was killed has left it behind. */
function removeFolderOf(path: string): void {
  try {
    rmSync(path, { force: true });
    rmdirSync(dirname(path));
  } catch {
    // Another worker, or the supervisor itself, has been here before.
  }
}

/**
 * The file as it is for one worker: an edge of its own to routers and other edges, at the public addresses that all of
 * them share. Other edges reach each worker at a port of its own, counted up from the file's.
 */
export function fileOfWorker(file: ReadFile<EdgeSettings>, worker: number): ReadFile<EdgeSettings> {
  const { settings } = file;
  const { peers } = settings;
  return {
    ...file,
    settings: {
      ...settings,
      id: `${settings.id}/${worker}`,
      reusePort: true,
      admin: { listen: { host: '127.0.0.1', port: 0 } },
      ...(peers === undefined ? {} : { peers: peersOfWorker(peers, worker) }),
    },
  };
}

type Peers = NonNullable<EdgeSettings['peers']>;

function peersOfWorker(peers: Peers, worker: number): Peers {
  const { listen, advertise } = peers;
  const port = listen.port === 0 ? 0 : listen.port + worker - 1;
  const told = advertise === undefined ? undefined : parseHostPort(advertise);
  const advertised =
    told === undefined ? {} : { advertise: formatAddress({ ...told, port: told.port + worker - 1 }) };
  return { ...peers, listen: { ...listen, port }, ...advertised };
}
