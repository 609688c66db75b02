import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Actor, type Part } from './actor.ts';
import { BenchFault } from './fault.ts';

/**
 * Owns whatever a run of the bench leaves on the machine: a temp folder, processes, ports.
 * Disposing of it ends every process by its id and removes the folder.
 */
export class Stage implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'culvert-bench-'));
  readonly #actors = new Set<Actor>();
  readonly #ports = new Set<number>();
  #started = 0;

  /** Makes a folder inside the temp folder, or finds it there; returns its path. */
  room(name: string): string {
    const path = join(this.folder, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** Finds a free loopback port that this stage has not handed out before. */
  async port(): Promise<number> {
    for (;;) {
      // Below the ephemeral range, so that no outgoing connection of a load generator takes it.
      const port = 12_000 + Math.floor(Math.random() * 20_000);
      if (!this.#ports.has(port) && (await isFree(port))) {
        this.#ports.add(port);
        return port;
      }
    }
  }

  start(part: Part): Actor {
    this.#started += 1;
    const log = join(this.room('logs'), `${this.#started}-${part.label}.log`);
    const actor = new Actor(part, { folder: this.folder, log });
    this.#actors.add(actor);
    return actor;
  }

  /** Runs a program to its end, at most `seconds` long, and returns what it wrote. */
  async run(command: Part['command'], seconds: number): Promise<string> {
    const actor = this.start({ label: 'generator', command });
    const timer = setTimeout(() => void actor.stop(), seconds * 1_000);
    const end = await actor.ended;
    clearTimeout(timer);
    this.#actors.delete(actor);
    if (end !== 'status 0') throw new BenchFault(`${command[0]} ended with ${end}: ${actor.output()}`);
    return actor.output();
  }

  /** Stops processes of this stage; resolves when they are gone. */
  async release(actors: readonly Actor[]): Promise<void> {
    await Promise.all(actors.map((actor) => actor.stop()));
    for (const actor of actors) this.#actors.delete(actor);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release([...this.#actors]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
