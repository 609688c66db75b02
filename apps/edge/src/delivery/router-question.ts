import { everyRouter } from '@culvert/signals';
import type { Signals, UnavailableReply } from '@culvert/signals';

/** How long the others may answer, ms: those that still reach the registry need no more. */
const OTHERS_MS = 250;
/** The one that was asked is taken for hung after this, ms: the bus notices that only after a while, minutes by default. */
const HUNG_MS = 750;

/**
 * Asks one of the routers; where that one has lost the registry or does not answer soon, all of them, and takes the
 * first that knows. Rejects as requests do when no router answers.
 */
export function askRouters<Reply extends object>(
  signals: Signals,
  subject: string,
  message: unknown,
  timeoutMs: number,
): Promise<Reply | UnavailableReply> {
  return new Promise((resolve, reject) => {
    const onReply = (reply: unknown): void => {
      if (!isUnavailable(reply as object)) resolve(reply as Reply);
    };
    const askAll = (windowMs: number): Promise<void> =>
      signals.gather(everyRouter(subject), message, { windowMs, onReply });
    const hung = setTimeout(() => {
      // What the first one says, or that it says nothing, comes in time.
      askAll(timeoutMs - HUNG_MS).catch(() => undefined);
    }, HUNG_MS);
    const answered = (reply: unknown): void => {
      onReply(reply);
      const giveUp = (): void => resolve(reply as UnavailableReply);
      if (isUnavailable(reply as object)) askAll(OTHERS_MS).then(giveUp, giveUp);
    };
    signals
      .request(subject, message, { timeoutMs })
      .then(answered, reject)
      .finally(() => clearTimeout(hung));
  });
}

function isUnavailable(reply: object): reply is UnavailableReply {
  return 'error' in reply;
}
