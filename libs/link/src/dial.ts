import {
  GoAwayCode,
  Kind,
  MAX_VERSION,
  MIN_VERSION,
  PREFACE,
  ProtocolError,
  decodeWelcome,
  encodeHello,
} from '@culvert/wire';
import type { GoAway, HelloBody, Welcome } from '@culvert/wire';
import type { Carrier } from './carrier.ts';
import { Link } from './link.ts';
import type { LinkEnd, LinkOwner } from './link-owner.ts';
import { NONCE_BYTES, proofOf, proves } from './peer-proof.ts';
import { HandshakeError, LinkRefusedError } from './refusal.ts';
import type { StreamMemory } from './stream-memory.ts';

export interface DialOptions {
  readonly carrier: Carrier;
  readonly hello: HelloBody;
  readonly memory: StreamMemory;
  readonly maxStreams: number;
  readonly timeoutMs: number;
  /** The cluster's secret; peer links only. */
  readonly secret?: string;
  /** Versions to offer, for tests of other versions. */
  readonly versions?: { readonly min: number; readonly max: number };
  /** Attached: returns who is told of the link from now on. Called before any frame that follows the welcome. */
  onAttached(link: Link, welcome: Welcome): LinkOwner;
  /** The one alternative to `onAttached`: LinkRefusedError, HandshakeError or ProtocolError. */
  onFailed(error: Error): void;
}

/** Says hello on a connected carrier and waits for the welcome. */
export function dialLink(options: DialOptions): void {
  new Dialing(options).begin();
}

class Dialing implements LinkOwner {
  readonly #options: DialOptions;
  readonly #link: Link;
  #listenerNonce: Buffer | undefined;
  #timer: NodeJS.Timeout | undefined;
  #done = false;

  constructor(options: DialOptions) {
    const { carrier, memory, maxStreams, hello } = options;
    this.#options = options;
    this.#link = new Link({ side: 'dialer', carrier, memory, maxStreams, window: hello.window });
  }

  begin(): void {
    const { timeoutMs, hello, versions } = this.#options;
    this.#timer = setTimeout(
      () => this.#fail(new HandshakeError(`no welcome within ${timeoutMs} ms`)),
      timeoutMs,
    );
    this.#link.begin(this);
    this.#link.sendPreface(Buffer.from(PREFACE, 'latin1'));
    this.#link.sendControl(Kind.Hello, encodeHello(hello, versions));
  }

  onOpen(): number {
    throw new ProtocolError('stream opened before the welcome');
  }

  onGoAway(goAway: GoAway): void {
    this.#fail(new LinkRefusedError(goAway));
  }

  onControl(kind: number, payload: Buffer): void {
    if (kind === Kind.Challenge) this.#prove(payload);
    else if (kind === Kind.Welcome) this.#welcome(decodeWelcome(payload));
    else throw new ProtocolError(`frame of kind ${kind} before the welcome`);
  }

  onClosed(end: LinkEnd): void {
    this.#fail(new HandshakeError(`connection lost before the welcome: ${end.text}`));
  }

  #prove(nonce: Buffer): void {
    const { hello, secret } = this.#options;
    if (
      hello.role !== 'peer' ||
      secret === undefined ||
      nonce.length !== NONCE_BYTES ||
      this.#listenerNonce
    ) {
      throw new ProtocolError('unexpected challenge');
    }
    this.#listenerNonce = nonce;
    this.#link.sendControl(Kind.Proof, proofOf(secret, this.#subject('dialer', nonce)));
  }

  #welcome(welcome: Welcome): void {
    const { hello, secret, versions } = this.#options;
    if (
      welcome.version < (versions?.min ?? MIN_VERSION) ||
      welcome.version > (versions?.max ?? MAX_VERSION)
    ) {
      return this.#fail(new ProtocolError(`welcome of version ${welcome.version}, which was not offered`));
    }
    if (hello.role === 'peer') {
      const proof = Buffer.from(welcome.body.proof ?? '', 'hex');
      const nonce = this.#listenerNonce;
      if (!nonce || !secret || !proves(proof, secret, this.#subject('listener', nonce))) {
        return this.#fail(new ProtocolError('the other edge does not know the secret of this cluster'));
      }
    }
    this.#finish();
    this.#link.attach(this.#options.onAttached(this.#link, welcome), welcome.body.window);
  }

  #subject(by: 'dialer' | 'listener', listenerNonce: Buffer) {
    const hello = this.#options.hello;
    if (hello.role !== 'peer') throw new ProtocolError('an agent proves nothing');
    return { by, edge: hello.edge, dialerNonce: Buffer.from(hello.nonce, 'hex'), listenerNonce };
  }

  #fail(error: Error): void {
    if (this.#done) return;
    this.#finish();
    this.#link.close(GoAwayCode.Leaving, '');
    this.#options.onFailed(error);
  }

  #finish(): void {
    this.#done = true;
    clearTimeout(this.#timer);
  }
}
