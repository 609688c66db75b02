import { changedKeys, isWithin, withFormer } from './changed-keys.ts';
import { formatProblem } from './settings-error.ts';
import type { ReadFile } from './settings-file.ts';

/** A new value that is ready to be taken into use. */
export interface Prepared {
  /** Takes it into use. It cannot be refused any more. */
  commit(): void | Promise<void>;
  /** Another part of the file was refused: frees what was made ready. */
  discard?(): void;
}

/** What a running service does with a part of its settings that has changed. */
export interface LivePart<Settings> {
  /** The keys that the part is made with, such as `limits` or `agents.tls`, each with all that is within it. */
  readonly keys: readonly string[];
  /**
   * Gets the new value ready without any effect yet; a rejection refuses the whole file.
   * @param changed false where it is asked only because it wants to be asked always
   */
  prepare(next: Settings, changed: boolean): Prepared | Promise<Prepared>;
  /** It stands for more than what the file says, such as other files: prepared whether it changed or not. */
  readonly always?: boolean;
}

/** What a service can change while it runs; a key may belong to several parts. */
export type LiveParts<Settings> = readonly LivePart<Settings>[];

/** Keys that have changed. */
export interface Change {
  readonly applied: readonly string[];
  /** These are as before: nothing can change them while the process runs. */
  readonly needRestart: readonly string[];
}

/** What the file says cannot be had, such as a port that is taken. Nothing of the file was applied. */
export class PartRefusedError extends Error {
  readonly key: string;

  constructor(message: string, key: string, cause: unknown) {
    super(message, { cause });
    this.name = 'PartRefusedError';
    this.key = key;
  }
}

/** A part that can take any value that a file may say. */
export function livePart<Settings>(
  keys: readonly string[],
  commit: (next: Settings) => void | Promise<void>,
): LivePart<Settings> {
  return { keys, prepare: (next) => ({ commit: () => commit(next) }) };
}

/** The parts of one section of a larger file, by their keys there. */
export function partsWithin<Settings, Inner>(
  section: string,
  parts: LiveParts<Inner>,
  inner: (settings: Settings) => Inner,
): LiveParts<Settings> {
  return parts.map((part) => ({
    ...part,
    keys: part.keys.map((key) => `${section}.${key}`),
    prepare: (next, changed) => part.prepare(inner(next), changed),
  }));
}

/** The settings that a running service works with, and how they change: all of a file or nothing. */
export class LiveSettings<Settings> {
  readonly #parts: LiveParts<Settings>;
  #file: ReadFile<Settings>;

  constructor(file: ReadFile<Settings>, parts: LiveParts<Settings>) {
    this.#file = file;
    this.#parts = parts;
  }

  /** What is in force now. */
  get current(): Settings {
    return this.#file.settings;
  }

  /**
   * Takes over what the file says, as far as a running process can.
   * @throws PartRefusedError; everything is as before then
   */
  async take(file: ReadFile<Settings>): Promise<Change> {
    const changed = changedKeys(this.#file.written, file.written);
    const needRestart = changed.filter((key) => !this.#parts.some((part) => holds(part, key)));
    const applied = changed.filter((key) => !needRestart.includes(key));
    const inForce = {
      ...file,
      settings: withFormer(file.settings, this.#file.settings, needRestart),
      written: withFormer(file.written, this.#file.written, needRestart),
    };
    const prepared = await this.#prepare(inForce, applied);
    this.#file = inForce;
    for (const part of prepared) await part.commit();
    return { applied, needRestart };
  }

  async #prepare(file: ReadFile<Settings>, changed: readonly string[]): Promise<Prepared[]> {
    const prepared: Prepared[] = [];
    for (const part of this.#parts) {
      const own = changed.find((key) => holds(part, key));
      if (part.always !== true && own === undefined) continue;
      try {
        prepared.push(await part.prepare(file.settings, own !== undefined));
      } catch (error) {
        for (const ready of prepared) ready.discard?.();
        throw refused(file, own ?? part.keys[0] ?? '', error);
      }
    }
    return prepared;
  }
}

function holds({ keys }: LivePart<never>, key: string): boolean {
  return keys.some((one) => isWithin(key, one));
}

function refused(file: ReadFile<unknown>, key: string, cause: unknown): PartRefusedError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const text = formatProblem({ file: file.file, line: file.lineOf(key.split('.')), key, message });
  return new PartRefusedError(text, key, cause);
}
