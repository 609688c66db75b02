/**
 * The port over which edges and routers signal each other. Messages are JSON values; they are hints and
 * questions, never the only copy of a fact: whoever missed one asks again after a reconnect.
 */
export interface Signals {
  /** Whether signals can be sent now. `connected` is also the state of the in-memory implementation. */
  readonly state: SignalsState;

  /** Calls back on every change of state; returns what ends the watch. */
  onState(listener: (state: SignalsState) => void): () => void;

  /** Sends to every subscriber that is there now. Dropped without an error while disconnected. */
  publish(subject: string, message: unknown): void;

  /**
   * Receives what is published on a subject; `*` stands for one token of it, `>` at the end for all that follow.
   * With `queue`, one member of the queue group receives each message.
   */
  subscribe(
    subject: string,
    handler: (message: unknown, subject: string) => void,
    options?: SubscribeOptions,
  ): Subscription;

  /** Answers requests on a subject. A handler that throws or rejects leaves the request unanswered. */
  respond(
    subject: string,
    handler: (message: unknown, subject: string) => unknown,
    options?: SubscribeOptions,
  ): Subscription;

  /**
   * Asks one responder.
   * @throws NoRespondersError at once when nobody answers the subject
   * @throws SignalsTimeoutError when no answer came within `timeoutMs`
   * @throws SignalsDownError while disconnected
   */
  request(subject: string, message: unknown, options: { readonly timeoutMs: number }): Promise<unknown>;

  /**
   * Asks every responder and hands over each answer as it arrives, until `windowMs` has passed since the request.
   * @throws as `request` does; SignalsTimeoutError when the window closed without any answer
   */
  gather(
    subject: string,
    message: unknown,
    options: { readonly windowMs: number; readonly onReply: (reply: unknown) => void },
  ): Promise<void>;

  /** Sends what is queued, ends all subscriptions, disconnects. */
  close(): Promise<void>;
}

export type SignalsState = 'connected' | 'disconnected';

export interface SubscribeOptions {
  /** Name of the queue group. */
  readonly queue?: string;
}

export interface Subscription {
  unsubscribe(): void;
}

/** Nobody answers this subject at the moment. */
export class NoRespondersError extends Error {
  readonly subject: string;

  constructor(subject: string, options?: ErrorOptions) {
    super(`nobody answers ${subject}`, options);
    this.name = 'NoRespondersError';
    this.subject = subject;
  }
}

/** Nobody answered in time. */
export class SignalsTimeoutError extends Error {
  readonly subject: string;

  constructor(subject: string, timeoutMs: number, options?: ErrorOptions) {
    super(`no answer from ${subject} within ${timeoutMs} ms`, options);
    this.name = 'SignalsTimeoutError';
    this.subject = subject;
  }
}

/** The bus is unreachable, so nothing can be asked. */
export class SignalsDownError extends Error {
  constructor(options?: ErrorOptions) {
    super('the signal bus is unreachable', options);
    this.name = 'SignalsDownError';
  }
}
