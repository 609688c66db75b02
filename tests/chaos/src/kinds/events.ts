import { eventOf } from '../content.ts';
import { NoAnswerError } from '../user.ts';
import { WrongBytesError, fitting } from './kind.ts';
import type { Errand, Kind } from './kind.ts';

/** Server-sent events: so many, over that time. */
export function events(count: number, ms: number): Kind {
  return { name: 'events', run: (errand) => listen(errand, count, ms) };
}

async function listen({ user, hostname, seed }: Errand, count: number, ms: number): Promise<void> {
  const path = `/events/${seed}/${count}/${ms}`;
  const incoming = fitting(await user.ask({ hostname, method: 'GET', path }));
  const expected = Array.from({ length: count }, (_, at) => eventOf(seed, at)).join('');
  let text = '';
  try {
    for await (const part of incoming) text += String(part);
  } catch (error) {
    if (expected.startsWith(text)) throw new NoAnswerError(error as NodeJS.ErrnoException, false);
  }
  if (text !== expected)
    throw new WrongBytesError(`events: ${text.length} instead of ${expected.length} bytes`);
}
