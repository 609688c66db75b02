import { RegistryDownError } from '@culvert/registry';
import { Recent } from '../recent.ts';
import type { ApiAnswer } from './api.ts';

/** Answers that are kept; a page of a listing has some hundred kilobytes at most. */
const MOST_ANSWERS = 100;

/** What was read last, for the time when the registry is away: people want to see what there is then more than ever. */
export class LastAnswers {
  readonly #now: () => number;
  readonly #answers = new Recent<{ readonly answer: ApiAnswer; readonly at: number }>(MOST_ANSWERS);

  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Performs a reading operation, or gives the answer that the same one had before, with `x-culvert-as-of`.
   * @throws RegistryDownError when the registry is away and there is no such answer
   */
  async read({ pathname, search }: URL, operation: () => Promise<ApiAnswer>): Promise<ApiAnswer> {
    const key = pathname + search;
    try {
      const answer = await operation();
      this.#answers.note(key, { answer, at: this.#now() });
      return answer;
    } catch (error) {
      if (!(error instanceof RegistryDownError)) this.#answers.forget(key);
      const last = this.#answers.get(key);
      if (last === undefined) throw error;
      const { answer, at } = last;
      return { ...answer, headers: { ...answer.headers, 'x-culvert-as-of': new Date(at).toISOString() } };
    }
  }
}
