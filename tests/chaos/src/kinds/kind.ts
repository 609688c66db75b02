import type { IncomingMessage } from 'node:http';
import type { Ledger } from '../ledger.ts';
import type { KindName } from '../outcome.ts';
import type { User } from '../user.ts';

/** One thing to do. */
export interface Errand {
  readonly user: User;
  readonly hostname: string;
  /** Unlike any other errand's. */
  readonly seed: string;
  readonly ledger: Ledger;
}

/** Something that users do. Resolves when all of it was right. @throws NoAnswerError, UnfitAnswerError, WrongBytesError */
export interface Kind {
  readonly name: KindName;
  run(errand: Errand): Promise<void>;
}

/** An answer that says that it is none. */
export class UnfitAnswerError extends Error {
  override readonly name = 'UnfitAnswerError';
}

/** Bytes other than the right ones, presented as if they were. */
export class WrongBytesError extends Error {
  override readonly name = 'WrongBytesError';
}

/** Lets through what a service has answered. */
export function fitting(incoming: IncomingMessage): IncomingMessage {
  const { statusCode = 0, headers } = incoming;
  if (statusCode === 200) return incoming;
  incoming.resume();
  const reason = headers['x-culvert-error'];
  throw new UnfitAnswerError(`${statusCode} ${typeof reason === 'string' ? reason : '(from the service)'}`);
}
