import {
  GoAwayCode,
  Kind,
  MAX_VERSION,
  MIN_VERSION,
  ProtocolError,
  chooseVersion,
  decodeHello,
  decodeVersions,
  encodeWelcome,
} from '@culvert/wire';
import type { GoAway, HelloBody, PeerHello, WelcomeBody } from '@culvert/wire';
import type { Carrier } from './carrier.ts';
import { Link } from './link.ts';
import type { LinkEnd, LinkOwner } from './link-owner.ts';
import { newNonce, proofOf, proves } from './peer-proof.ts';
import { PrefaceCarrier } from './preface-carrier.ts';
import type { StreamMemory } from './stream-memory.ts';

/** The answer to a hello. */
export type Admission =
  | { readonly admit: true; readonly welcome: WelcomeBody; attach(link: Link): LinkOwner }
  | { readonly admit: false; readonly goAway: GoAway };

export interface AcceptOptions {
  readonly carrier: Carrier;
  /** Whether the preface was read from the carrier already, or is still to come (over WebSocket, say). Default: read. */
  readonly preface?: 'read' | 'ahead';
  readonly memory: StreamMemory;
  readonly maxStreams: number;
  /** What this side takes of a stream that the dialer opens, before credit. */
  readonly window: number;
  readonly timeoutMs: number;
  /** The cluster's secret; without it no peer edge is admitted. */
  readonly secret?: string;
  /** Decides about a hello of a version spoken here; a peer has proved itself by then. */
  admit(hello: HelloBody): Promise<Admission>;
  /** The connection ended or was refused before it was attached. */
  onRefused(reason: string): void;
}

/** Waits for a hello, lets the owner decide, answers. */
export function acceptLink(options: AcceptOptions): void {
  new Accepting(options).begin();
}

class Accepting implements LinkOwner {
  readonly #options: AcceptOptions;
  readonly #link: Link;
  readonly #nonce = newNonce();
  #peer: PeerHello | undefined;
  #stage: 'hello' | 'proof' | 'deciding' | 'done' = 'hello';
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AcceptOptions) {
    const { carrier, memory, maxStreams, window } = options;
    this.#options = options;
    const behindPreface = options.preface === 'ahead' ? new PrefaceCarrier(carrier) : carrier;
    this.#link = new Link({ side: 'listener', carrier: behindPreface, memory, maxStreams, window });
  }

  begin(): void {
    const { timeoutMs } = this.#options;
    this.#timer = setTimeout(
      () => this.#refuse(GoAwayCode.Timeout, `no handshake within ${timeoutMs} ms`),
      timeoutMs,
    );
    this.#link.begin(this);
  }

  onOpen(): number {
    throw new ProtocolError('stream opened before the welcome');
  }

  onGoAway(): void {
    this.#link.close(GoAwayCode.Leaving, '');
  }

  onControl(kind: number, payload: Buffer): void {
    if (kind === Kind.Hello && this.#stage === 'hello') this.#onHello(payload);
    else if (kind === Kind.Proof && this.#stage === 'proof') this.#onProof(payload);
    else throw new ProtocolError(`frame of kind ${kind} does not belong here`);
  }

  onClosed(end: LinkEnd): void {
    if (this.#stage === 'done') return;
    this.#finish();
    this.#options.onRefused(end.text);
  }

  #onHello(payload: Buffer): void {
    const versions = decodeVersions(payload);
    if (chooseVersion(versions) === undefined) {
      const spoken =
        MIN_VERSION === MAX_VERSION ? `version ${MIN_VERSION}` : `versions ${MIN_VERSION} to ${MAX_VERSION}`;
      const offered = `${versions.minVersion} to ${versions.maxVersion}`;
      return this.#refuse(
        GoAwayCode.Version,
        `this edge speaks ${spoken} of the link protocol, not ${offered}`,
      );
    }
    const { body } = decodeHello(payload);
    if (body.role === 'agent') return this.#decide(body);
    if (this.#options.secret === undefined)
      return this.#refuse(GoAwayCode.NotAPeer, 'this edge takes no peer links here');
    this.#peer = body;
    this.#stage = 'proof';
    this.#link.sendControl(Kind.Challenge, this.#nonce);
  }

  #onProof(proof: Buffer): void {
    const peer = this.#peer;
    const { secret } = this.#options;
    if (!peer || secret === undefined || !proves(proof, secret, this.#subject('dialer', peer))) {
      return this.#refuse(GoAwayCode.NotAPeer, 'the secret is not that of this cluster');
    }
    this.#decide(peer);
  }

  #decide(hello: HelloBody): void {
    this.#stage = 'deciding';
    this.#options.admit(hello).then(
      (admission) => this.#answer(hello, admission),
      () => this.#refuse(GoAwayCode.Unavailable, 'the session could not be admitted'),
    );
  }

  #answer(hello: HelloBody, admission: Admission): void {
    if (this.#link.closed) return;
    if (!admission.admit) return this.#refuse(admission.goAway.code, admission.goAway.text, admission.goAway);
    const proof =
      this.#peer && this.#options.secret !== undefined
        ? { proof: proofOf(this.#options.secret, this.#subject('listener', this.#peer)).toString('hex') }
        : {};
    this.#finish();
    this.#link.sendControl(Kind.Welcome, encodeWelcome({ ...admission.welcome, ...proof }));
    this.#link.attach(admission.attach(this.#link), hello.window);
  }

  #subject(by: 'dialer' | 'listener', peer: PeerHello) {
    return { by, edge: peer.edge, dialerNonce: Buffer.from(peer.nonce, 'hex'), listenerNonce: this.#nonce };
  }

  #refuse(code: number, text: string, goAway: GoAway = { code, text, retryAfterMs: 0 }): void {
    if (this.#stage === 'done') return;
    this.#finish();
    this.#link.refuse(goAway);
    this.#options.onRefused(text);
  }

  #finish(): void {
    this.#stage = 'done';
    clearTimeout(this.#timer);
  }
}
