import type { Carrier, CarrierSink } from '@culvert/link';
import { PREFACE, PREFACE_BYTES } from '@culvert/wire';

/** A carrier whose preface has not been read yet: takes it off, or ends the connection when it is something else. */
export class PrefaceCarrier implements Carrier {
  readonly #carrier: Carrier;
  #seen = Buffer.alloc(0);

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
    this.#carrier.start({
      onBytes: (buffer, start, end) => {
        if (this.#seen.length === PREFACE_BYTES) return sink.onBytes(buffer, start, end);
        const split = Math.min(end, start + PREFACE_BYTES - this.#seen.length);
        this.#seen = Buffer.concat([this.#seen, buffer.subarray(start, split)]);
        if (!PREFACE.startsWith(this.#seen.toString('latin1'))) return this.#carrier.destroy();
        if (split < end) sink.onBytes(buffer, split, end);
      },
      onDrain: () => sink.onDrain(),
      onClose: (error) => sink.onClose(error),
    });
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
}
