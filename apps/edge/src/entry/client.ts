import type { EntryRules } from './entry-rules.ts';
import type { Peer } from './peer.ts';

/** Who asks, and what services are told of it. */
export interface Client {
  /** Without the prefix of IPv4 addresses mapped into IPv6. */
  readonly address: string;
  /** `address:port`, IPv6 in brackets; the port is 0 where a proxy does not tell it. */
  readonly text: string;
  readonly proto: 'http' | 'https';
  /** Who is connected: another one than the client where a trusted proxy speaks for it. */
  readonly peer: Peer;
  /** The authority that the client asked for, where a trusted proxy says so; otherwise it is that of Host. */
  readonly host: string | undefined;
  /** The part of a forwarded head that is the same for all requests of the connection. */
  readonly forwardedFields: string;
  /** The line of Via for what came as HTTP/1.1, or over HTTP/2; empty where none is sent. */
  readonly via: string;
  /** A line of Forwarded up to the Host that it ends with, quoted; undefined where none is sent. */
  readonly forwardedStart: string | undefined;
  /** What the entry point asks of requests; undefined where that is nothing. */
  readonly rules: EntryRules | undefined;
}
