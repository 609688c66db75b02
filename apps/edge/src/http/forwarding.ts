import { hostnameOf } from '@culvert/http1';
import type { ForwardedFields, RequestHead } from '@culvert/http1';
import { addressText } from '@culvert/socket';
import type { Client } from '../entry/client.ts';
import type { EntryRules } from '../entry/entry-rules.ts';
import { forwardedElements, forwardedForNodes } from './forwarded-nodes.ts';
import type { ForwardedNode } from './forwarded-nodes.ts';
import type { Peer } from '../entry/peer.ts';
import type { TrustedProxies } from '../entry/trusted-proxies.ts';

type Proto = Client['proto'];

export interface ForwardingOptions {
  readonly trusted: TrustedProxies;
  /** Which fields tell services about the client. */
  readonly headers: readonly ('x-forwarded' | 'forwarded')[];
  readonly edge: string;
  /** What edges of this installation are called in Via; undefined: they do not send it. */
  readonly pseudonym: string | undefined;
}

/** What trusted proxies have said of a request, as far as it is believed. */
interface Told {
  /** Beginning with the nearest. */
  readonly nodes: readonly ForwardedNode[];
  readonly proto: Proto | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
}

const DEFAULT_PORTS = { http: 80, https: 443 } as const;
const MAX_PORT = 65_535;
/** A service may pass on what it was asked to another service by its public name, and that once more is a loop. */
const MAX_PASSES = 2;

/** Finds out who a client is and words what services are told of it: once a connection, unless a proxy speaks for many. */
export class Forwarding {
  readonly trusted: TrustedProxies;
  readonly #xForwarded: boolean;
  readonly #forwarded: boolean;
  /** RFC 7239 §6.3: a name that says nothing to others. */
  readonly #by: string;
  readonly #pseudonym: string | undefined;
  readonly #via: string;

  constructor(options: ForwardingOptions) {
    this.trusted = options.trusted;
    this.#xForwarded = options.headers.includes('x-forwarded');
    this.#forwarded = options.headers.includes('forwarded');
    this.#by = `by=_${options.edge}`;
    this.#pseudonym = options.pseudonym;
    this.#via = options.pseudonym === undefined ? '' : `Via: 1.1 ${options.pseudonym}\r\n`;
  }

  /** The client of a connection on which nobody speaks for others. */
  client(peer: Peer, proto: Proto, rules?: EntryRules): Client {
    const { address, port, localPort } = peer;
    return {
      address,
      text: addressText(address, port),
      proto,
      peer,
      host: undefined,
      forwardedFields: this.#xForwarded ? xForwarded(address, address, proto, localPort) : '',
      forwardedStart: this.#forwarded
        ? `Forwarded: for=${nodeText(address)};${this.#by};proto=${proto};host="`
        : undefined,
      via: this.#via,
      rules,
    };
  }

  /** Whether a request that has passed these proxies has passed edges of this installation too often. */
  loops(via: string): boolean {
    const name = this.#pseudonym;
    if (name === undefined) return false;
    let passes = 0;
    for (let at = via.indexOf(name); at !== -1; at = via.indexOf(name, at + name.length)) passes++;
    return passes >= MAX_PASSES;
  }

  /** The client of one request that came from a trusted proxy. */
  clientBehind(proxy: Client, head: RequestHead): Client {
    const told = toldBy(head.forwarded);
    const { address, port } = this.#origin(told.nodes) ?? proxy.peer;
    const proto = told.proto ?? proxy.proto;
    const hops = told.nodes.map((node) => node.address).toReversed();
    const chain = [...hops, proxy.peer.address];
    return {
      ...proxy,
      address,
      text: addressText(address, port),
      proto,
      host: told.host,
      // By what the connection began with: settings may have changed since.
      forwardedFields:
        proxy.forwardedFields === ''
          ? ''
          : xForwarded(chain.join(', '), address, proto, publicPort(told, proxy, head.host)),
      forwardedStart: proxy.forwardedStart?.replace(
        'Forwarded: ',
        () => `Forwarded: ${earlierElements(hops, proto, told.host)}`,
      ),
    };
  }

  /** From right to left over those that are trusted to the first that is not; the furthest if all are. */
  #origin(nodes: readonly ForwardedNode[]): ForwardedNode | undefined {
    return nodes.find(({ address }) => !this.trusted.has(address)) ?? nodes.at(-1);
  }
}

/** X-Forwarded-* counts before Forwarded: a proxy that sets the one often passes on the other as it came. */
function toldBy(fields: ForwardedFields): Told {
  const proto = protoOf(last(fields.proto));
  const host = hostOf(last(fields.host));
  const port = portOf(last(fields.port));
  if (fields.for !== undefined) return { nodes: forwardedForNodes(fields.for), proto, host, port };
  const elements = fields.forwarded === undefined ? undefined : forwardedElements(fields.forwarded);
  if (elements === undefined) return { nodes: forwardedForNodes(fields.realIp ?? ''), proto, host, port };
  const { nodes } = elements;
  return { nodes, proto: proto ?? protoOf(elements.proto), host: host ?? hostOf(elements.host), port };
}

/** The element that the nearest proxy has added. */
function last(value: string | undefined): string | undefined {
  return value?.slice(value.lastIndexOf(',') + 1).trim();
}

function protoOf(text: string | undefined): Proto | undefined {
  const proto = text?.toLowerCase();
  return proto === 'http' || proto === 'https' ? proto : undefined;
}

function hostOf(text: string | undefined): string | undefined {
  return text === undefined || hostnameOf(text) === undefined ? undefined : text;
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^[1-9]\d{0,4}$/.test(text)) return undefined;
  return Number(text) > MAX_PORT ? undefined : Number(text);
}

/** The port that the client connected to: behind a proxy that is none of the edge's own. */
function publicPort({ port, proto, host }: Told, proxy: Client, ownHost: string): number {
  if (port !== undefined) return port;
  if (proto === undefined && host === undefined) return proxy.peer.localPort;
  const named = /:(\d+)$/.exec(host ?? ownHost)?.[1];
  return portOf(named) ?? DEFAULT_PORTS[proto ?? proxy.proto];
}

function xForwarded(chain: string, address: string, proto: Proto, port: number): string {
  return (
    `X-Forwarded-For: ${chain}\r\nX-Forwarded-Proto: ${proto}\r\nX-Forwarded-Port: ${port}\r\n` +
    `X-Real-IP: ${address}\r\n`
  );
}

/** One element a hop before the proxy; the last says what the proxy was asked for. */
function earlierElements(hops: readonly string[], proto: Proto, host: string | undefined): string {
  const asked = `;proto=${proto}${host === undefined ? '' : `;host="${host}"`}`;
  return hops
    .map((address, at) => `for=${nodeText(address)}${at === hops.length - 1 ? asked : ''}, `)
    .join('');
}

function nodeText(address: string): string {
  return address.includes(':') ? `"[${address}]"` : address;
}
