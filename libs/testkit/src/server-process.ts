import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';

const START_TIMEOUT_MS = 15_000;
const START_ATTEMPTS = 3;
/** Enough of a server's output to see why it did not start. */
const OUTPUT_LIMIT = 8_192;

/** How to start a server program and tell that it serves. */
export interface ServerProgram {
  readonly command: string;
  readonly args: (port: number) => readonly string[];
  /** Sent after connecting; the server is ready when its answer begins with `expect`. */
  readonly greeting: string;
  readonly expect: string;
}

/** The server program ended before it was ready. */
export class ServerStartError extends Error {
  constructor(command: string, output: string, options?: ErrorOptions) {
    super(`${command} did not start: ${output}`, options);
    this.name = 'ServerStartError';
  }
}

/** One real server process on a loopback port that stays the same over restarts. Ended with the test process. */
export class ServerProcess {
  readonly port: number;
  readonly #program: ServerProgram;
  #child: ChildProcess | undefined;
  readonly #reap = (): void => void this.#child?.kill('SIGKILL');

  private constructor(program: ServerProgram, port: number) {
    this.#program = program;
    this.port = port;
  }

  /** Starts on a free port; tries another one where somebody took it in between. */
  static async start(program: ServerProgram, port?: number): Promise<ServerProcess> {
    for (let attempt = 1; ; attempt++) {
      const server = new ServerProcess(program, port ?? (await freePort()));
      try {
        await server.start();
        return server;
      } catch (error) {
        await server.stop();
        if (port !== undefined || attempt === START_ATTEMPTS) throw error;
      }
    }
  }

  /** Undefined while stopped. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the program again on its port, after `stop`. */
  async start(): Promise<void> {
    const { command, args } = this.#program;
    const child = spawn(command, [...args(this.port)], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    process.once('exit', this.#reap);
    let output = '';
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-OUTPUT_LIMIT);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    const failed = once(child, 'exit').then(() => Promise.reject(new ServerStartError(command, output)));
    failed.catch(() => undefined); // the race below may already be over
    const ready = eventually(() => this.#greets(), { timeoutMs: START_TIMEOUT_MS });
    ready.catch(() => undefined);
    await Promise.race([ready, failed]);
  }

  /** Ends the process: SIGTERM by default; SIGKILL for a crash. Resolves when it is gone. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    process.removeListener('exit', this.#reap);
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    child.kill('SIGCONT');
    await gone;
  }

  /** Freezes the process: its sockets stay open and nothing answers. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  #greets(): Promise<boolean> {
    const { greeting, expect } = this.#program;
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1', () => socket.write(greeting));
      const finish = (ready: boolean): void => {
        socket.destroy();
        resolve(ready);
      };
      socket.once('data', (data: Buffer) => finish(data.toString('latin1').startsWith(expect)));
      socket.once('error', () => finish(false));
      socket.once('close', () => finish(false));
    });
  }
}
