/** What the first bytes of a connection are. */
export type Verdict =
  | NeedMore
  | Tls
  | { readonly kind: 'http1' }
  /** The HTTP/2 connection preface, as with prior knowledge (RFC 9113 §3.3). */
  | { readonly kind: 'http2' }
  | ProxyHeader
  /** Begins like `protocol` but breaks its rules: close, without passing anything on. */
  | Invalid
  | { readonly kind: 'unknown' };

/** Undecided. Asking again makes sense once there are `atLeast` bytes in all, which never exceeds the limits. */
export interface NeedMore {
  readonly kind: 'need-more';
  readonly atLeast: number;
}

export interface Tls {
  readonly kind: 'tls';
  /** SNI in lower case without trailing dot; `undefined` where there is none or it is an address. */
  readonly serverName: string | undefined;
  /** ALPN protocols in the client's order, GREASE included. */
  readonly alpn: readonly string[];
  /** Encrypted Client Hello is offered: `serverName` is then the public name of the client-facing server. */
  readonly ech: boolean;
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** A PROXY protocol header. What follows it is to be sniffed on its own. */
export interface ProxyHeader {
  readonly kind: 'proxy-protocol';
  readonly version: 1 | 2;
  /** Bytes to skip. */
  readonly headerLength: number;
  /** Both `undefined` when the header speaks for no other connection (LOCAL, UNKNOWN) or not for an IP one. */
  readonly source: Endpoint | undefined;
  readonly destination: Endpoint | undefined;
}

export interface Invalid {
  readonly kind: 'invalid';
  readonly protocol: 'tls' | 'proxy-protocol';
  /** A fixed phrase. */
  readonly reason: string;
}

export function needMore(atLeast: number): NeedMore {
  return { kind: 'need-more', atLeast };
}

/** Ends a parser deep inside; `sniff` turns it into a verdict. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
}
