import { PREFACE, PREFACE_BYTES } from '@culvert/wire';
import type { Carrier, CarrierSink } from './carrier.ts';

const EXPECTED = Buffer.from(PREFACE, 'latin1');

/** A carrier on which the preface is still to come; a link on it sees what follows. Anything else closes it. */
export class PrefaceCarrier implements Carrier, CarrierSink {
  readonly #carrier: Carrier;
  #sink: CarrierSink | undefined;
  #seen = 0;
  #refused = false;

  constructor(carrier: Carrier) {
    this.#carrier = carrier;
  }

  get remote(): string {
    return this.#carrier.remote;
  }

  get backlog(): number {
    return this.#carrier.backlog;
  }

  start(sink: CarrierSink): void {
    this.#sink = sink;
    this.#carrier.start(this);
  }

  write(bytes: Buffer, done: () => void): void {
    this.#carrier.write(bytes, done);
  }

  end(): void {
    this.#carrier.end();
  }

  destroy(): void {
    this.#carrier.destroy();
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    let at = this.#refused ? end : start;
    while (this.#seen < PREFACE_BYTES && at < end) {
      if (buffer[at++] !== EXPECTED[this.#seen++]) return this.#refuse();
    }
    if (at < end) this.#sink!.onBytes(buffer, at, end);
  }

  onDrain(): void {
    this.#sink!.onDrain();
  }

  onClose(error: Error | undefined): void {
    this.#sink!.onClose(error);
  }

  #refuse(): void {
    this.#refused = true;
    this.#carrier.destroy();
  }
}
