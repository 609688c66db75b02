import { createCipheriv, createHash } from 'node:crypto';
import type { Cipheriv } from 'node:crypto';

const ZEROS = Buffer.alloc(65_536);
const SMALLEST_ANSWER = 64;
const LARGEST_ANSWER = 8_192;

/** Bytes that follow from a seed: both ends make them, neither keeps them, and no part repeats. */
export class Keystream {
  readonly #cipher: Cipheriv;

  constructor(seed: string) {
    this.#cipher = createCipheriv('aes-128-ctr', digest(seed).subarray(0, 16), ZEROS.subarray(0, 16));
  }

  /** The next so many bytes. */
  take(bytes: number): Buffer {
    if (bytes <= ZEROS.length) return this.#cipher.update(ZEROS.subarray(0, bytes));
    return this.#cipher.update(Buffer.alloc(bytes));
  }
}

/** Compares what arrives in pieces with a keystream. */
export class KeystreamCheck {
  readonly #expected: Keystream;
  received = 0;
  /** Where the first piece with a wrong byte began. */
  wrongFrom: number | undefined;

  constructor(seed: string) {
    this.#expected = new Keystream(seed);
  }

  take(chunk: Buffer): void {
    if (!this.#expected.take(chunk.length).equals(chunk)) this.wrongFrom ??= this.received;
    this.received += chunk.length;
  }
}

/** The body of a small request. */
export function questionFor(nonce: string): Buffer {
  return new Keystream(`question ${nonce}`).take(SMALLEST_ANSWER + (digest(nonce)[1]! << 2));
}

/** The body of a small answer: of another length for each nonce. */
export function answerFor(nonce: string): Buffer {
  const length = SMALLEST_ANSWER + (digest(nonce).readUInt16BE(2) % (LARGEST_ANSWER - SMALLEST_ANSWER));
  return new Keystream(`answer ${nonce}`).take(length);
}

/** What answers say in their head. */
export function proofOf(nonce: string): string {
  return digest(`proof ${nonce}`).toString('hex');
}

/** One server-sent event. */
export function eventOf(seed: string, at: number): string {
  return `id: ${at}\ndata: ${proofOf(`${seed} ${at}`)}\n\n`;
}

/** A message of a WebSocket: from one side, with its number. */
export function messageOf(seed: string, side: 'client' | 'service', at: number): string {
  return `${side} ${at} ${proofOf(`${seed} ${side} ${at}`)}`;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
