import { everyRouter } from '@culvert/signals';
import type { Signals, UnavailableReply } from '@culvert/signals';

/** How long the others may answer, ms: those that still reach the registry need no more. */
const OTHERS_MS = 250;

/**
 * Asks one of the routers; where that one has lost the registry, all of them, and takes the first that knows. Rejects
 * as requests do when no router answers.
 */
export async function askRouters<Reply extends object>(
  signals: Signals,
  subject: string,
  message: unknown,
  timeoutMs: number,
): Promise<Reply | UnavailableReply> {
  const reply = (await signals.request(subject, message, { timeoutMs })) as Reply | UnavailableReply;
  if (!isUnavailable(reply)) return reply;
  return new Promise((resolve) => {
    const onReply = (another: unknown): void => {
      if (!isUnavailable(another as object)) resolve(another as Reply);
    };
    const giveUp = (): void => resolve(reply);
    signals.gather(everyRouter(subject), message, { windowMs: OTHERS_MS, onReply }).then(giveUp, giveUp);
  });
}

function isUnavailable(reply: object): reply is UnavailableReply {
  return 'error' in reply;
}
