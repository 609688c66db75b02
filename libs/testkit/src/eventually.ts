import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 10;
/** What is right takes milliseconds; the rest is for a machine that has other work. */
const TIMEOUT_MS = 15_000;

/** The condition did not come true in time. */
export class NeverHappenedError extends Error {
  constructor(timeoutMs: number, options?: ErrorOptions) {
    super(`did not happen within ${timeoutMs} ms`, options);
    this.name = 'NeverHappenedError';
  }
}

/**
 * Polls until `condition` yields something other than false, undefined or null, and returns that. A condition
 * that throws counts as not yet true; its last error becomes the `cause` of the failure.
 */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  options: { readonly timeoutMs?: number } = {},
): Promise<NonNullable<Exclude<T, false>>> {
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  do {
    try {
      const value = await condition();
      if (value !== false && value !== undefined && value !== null) {
        return value as NonNullable<Exclude<T, false>>;
      }
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await delay(POLL_MS);
  } while (performance.now() < deadline);
  throw new NeverHappenedError(timeoutMs, { cause });
}
