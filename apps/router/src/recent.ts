/** The values that were noted last, up to a limit. */
export class Recent<T> {
  readonly #limit: number;
  readonly #values = new Map<string, T>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  note(key: string, value: T): void {
    // A map keeps the order of insertion, so what is noted again moves to the end.
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size <= this.#limit) return;
    const [oldest] = this.#values.keys();
    if (oldest !== undefined) this.#values.delete(oldest);
  }

  get(key: string): T | undefined {
    return this.#values.get(key);
  }

  forget(key: string): void {
    this.#values.delete(key);
  }

  /** Forgets whatever the condition holds for. */
  forgetWhere(condition: (key: string, value: T) => boolean): void {
    for (const [key, value] of this.#values) if (condition(key, value)) this.#values.delete(key);
  }

  clear(): void {
    this.#values.clear();
  }
}
