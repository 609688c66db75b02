import { statSync } from 'node:fs';

/** How often files are looked at, in ms. */
const INTERVAL = 1_000;
/** A file must look the same for this long before its change is told, in ms: it may still be being written. */
const SETTLED = 200;

export interface FileWatchOptions {
  readonly files: readonly string[];
  /** The files look different from before, and have stopped changing. May close the watch. */
  readonly onChange: () => void;
  /** In ms. */
  readonly interval?: number;
}

/**
 * Tells when files have changed. They are looked at rather than subscribed to: that sees a file that is written in
 * place, one that is renamed over it, a link in its path that leads elsewhere, and files of network and container file
 * systems, all of which the system's notifications miss in one case or another. Never keeps the process alive.
 */
export class FileWatch {
  readonly #options: FileWatchOptions;
  readonly #interval: number;
  #files: readonly string[];
  /** What was told last, or what was there at the start. */
  #told: string;
  #seen: string;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: FileWatchOptions) {
    this.#options = options;
    this.#interval = options.interval ?? INTERVAL;
    this.#files = options.files;
    this.#told = appearanceOf(this.#files);
    this.#seen = this.#told;
    this.#lookLater(this.#interval);
  }

  /** Watches these from now on; that they are others is no change to tell. */
  watch(files: readonly string[]): void {
    this.#files = files;
    this.#told = appearanceOf(files);
    this.#seen = this.#told;
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #lookLater(ms: number): void {
    this.#timer = setTimeout(() => this.#look(), ms);
    this.#timer.unref();
  }

  #look(): void {
    const now = appearanceOf(this.#files);
    const isSettled = now === this.#seen;
    this.#seen = now;
    this.#lookLater(isSettled ? this.#interval : Math.min(SETTLED, this.#interval));
    if (!isSettled || now === this.#told) return;
    this.#told = now;
    this.#options.onChange();
  }
}

/** Which files the paths lead to, and when they were last written. */
function appearanceOf(files: readonly string[]): string {
  return files.map(appearance).join('\n');
}

function appearance(file: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable';
  }
}
