import { MemoryBus } from './memory-bus.ts';
import type { Deliver } from './memory-bus.ts';
import { NoRespondersError, SignalsDownError, SignalsTimeoutError } from './signals.ts';
import type { Signals, SignalsState, SubscribeOptions, Subscription } from './signals.ts';

export interface MemorySignalsOptions {
  /** Told of a handler that threw or rejected; the message is lost to it. */
  readonly onHandlerError?: (error: unknown, subject: string) => void;
}

/** Signals within one process; those that share a bus hear each other. Connected until closed. */
export class MemorySignals implements Signals {
  readonly #bus: MemoryBus;
  readonly #onHandlerError: (error: unknown, subject: string) => void;
  readonly #listeners = new Set<(state: SignalsState) => void>();
  readonly #subscriptions = new Set<Subscription>();
  /** Requests under way, ended by `close`. */
  readonly #waiting = new Set<(error: Error) => void>();
  #state: SignalsState = 'connected';

  constructor(bus: MemoryBus = new MemoryBus(), options: MemorySignalsOptions = {}) {
    this.#bus = bus;
    this.#onHandlerError = options.onHandlerError ?? (() => undefined);
  }

  get state(): SignalsState {
    return this.#state;
  }

  onState(listener: (state: SignalsState) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  publish(subject: string, message: unknown): void {
    if (this.#state === 'connected') this.#bus.send(subject, encode(message));
  }

  subscribe(
    subject: string,
    handler: (message: unknown, subject: string) => void,
    options: SubscribeOptions = {},
  ): Subscription {
    return this.#listen(subject, options, (json, actual) => void this.#handle(handler, json, actual));
  }

  respond(
    subject: string,
    handler: (message: unknown, subject: string) => unknown,
    options: SubscribeOptions = {},
  ): Subscription {
    return this.#listen(subject, options, (json, actual, reply) => {
      void this.#handle(handler, json, actual, reply);
    });
  }

  async request(
    subject: string,
    message: unknown,
    options: { readonly timeoutMs: number },
  ): Promise<unknown> {
    let answer: { readonly reply: unknown } | undefined;
    await this.#ask(subject, message, options.timeoutMs, (reply) => {
      answer ??= { reply };
      return 'enough';
    });
    if (answer === undefined) throw new SignalsTimeoutError(subject, options.timeoutMs);
    return answer.reply;
  }

  async gather(
    subject: string,
    message: unknown,
    options: { readonly windowMs: number; readonly onReply: (reply: unknown) => void },
  ): Promise<void> {
    let answers = 0;
    await this.#ask(subject, message, options.windowMs, (reply) => {
      answers += 1;
      options.onReply(reply);
      return 'more';
    });
    if (answers === 0) throw new SignalsTimeoutError(subject, options.windowMs);
  }

  close(): Promise<void> {
    if (this.#state === 'disconnected') return Promise.resolve();
    this.#state = 'disconnected';
    for (const subscription of [...this.#subscriptions]) subscription.unsubscribe();
    for (const fail of [...this.#waiting]) fail(new SignalsDownError());
    for (const listener of this.#listeners) listener(this.#state);
    return Promise.resolve();
  }

  #listen(subject: string, options: SubscribeOptions, deliver: Deliver): Subscription {
    const remove = this.#bus.add(subject, options.queue, (json, actual, reply) => {
      // What was on its way when the subscription ended is dropped.
      if (this.#subscriptions.has(subscription)) deliver(json, actual, reply);
    });
    const subscription: Subscription = {
      unsubscribe: () => {
        this.#subscriptions.delete(subscription);
        remove();
      },
    };
    if (this.#state === 'connected') this.#subscriptions.add(subscription);
    else remove();
    return subscription;
  }

  /** Resolves when `onReply` has enough or the time is over. */
  #ask(
    subject: string,
    message: unknown,
    timeoutMs: number,
    onReply: (reply: unknown) => 'enough' | 'more',
  ): Promise<void> {
    if (this.#state === 'disconnected') return Promise.reject(new SignalsDownError());
    return new Promise((resolve, reject) => {
      let open = true;
      const end = (settle: () => void): void => {
        open = false;
        clearTimeout(timer);
        this.#waiting.delete(fail);
        settle();
      };
      const fail = (error: Error): void => end(() => reject(error));
      const timer = setTimeout(() => end(resolve), timeoutMs);
      this.#waiting.add(fail);
      const receivers = this.#bus.send(subject, encode(message), (json) => {
        if (open && onReply(JSON.parse(json)) === 'enough') end(resolve);
      });
      if (receivers === 0) fail(new NoRespondersError(subject));
    });
  }

  async #handle(
    handler: (message: unknown, subject: string) => unknown,
    json: string,
    subject: string,
    reply?: (json: string) => void,
  ): Promise<void> {
    try {
      const answer = await handler(JSON.parse(json), subject);
      if (reply !== undefined) setImmediate(reply, encode(answer));
    } catch (error) {
      this.#onHandlerError(error, subject);
    }
  }
}

/** As on the wire: undefined has no JSON form and arrives as null. */
const encode = (message: unknown): string => JSON.stringify(message) ?? 'null';
