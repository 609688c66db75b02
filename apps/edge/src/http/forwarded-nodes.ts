import { canonicalAddress } from '@culvert/socket';

/** A hop as X-Forwarded-For or Forwarded names it. */
export interface ForwardedNode {
  readonly address: string;
  /** 0 where it is not told. */
  readonly port: number;
}

/** What the elements of a Forwarded field say that is of use here. */
export interface ForwardedElements {
  /** Beginning with the last element, which the nearest proxy has added. */
  readonly nodes: readonly ForwardedNode[];
  /** Of the last element. */
  readonly proto: string | undefined;
  readonly host: string | undefined;
}

/** Hops that are believed; whatever is further away is not looked at. */
const MAX_NODES = 32;
/** Characters of the longest node, an IPv6 address with brackets and port, and some to spare. */
const MAX_NODE = 64;
const MAX_PORT = 65_535;
/** `[IPv6]`, `[IPv6]:port` or `IPv4:port`. */
const WITH_MORE = /^(?:\[([^\].]*:[^\]]*)\](?=:|$)|([\d.]+)(?=:))(?::(\d{1,5}))?$/;
/** One `name=value` of RFC 7239 §4, and what ends it. */
const PAIR =
  /[\t ]*([\w!#$%&'*+.^`|~-]+)=(?:([\w!#$%&'*+.^`|~-]+)|"((?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*)")[\t ]*([;,]|$)/y;

/** The addresses of an X-Forwarded-For, from right to left as far as they are addresses. Never throws. */
export function forwardedForNodes(value: string): ForwardedNode[] {
  const nodes: ForwardedNode[] = [];
  for (let end = value.length; end > 0 && nodes.length < MAX_NODES;) {
    const comma = value.lastIndexOf(',', end - 1);
    const node = readNode(value, comma + 1, end);
    if (node === undefined) break;
    nodes.push(node);
    end = comma;
  }
  return nodes;
}

/**
 * The elements of a Forwarded field (RFC 7239); undefined where it is malformed anywhere: a quote that an earlier hop
 * left open would otherwise change what a trusted one has added. Never throws.
 */
export function forwardedElements(value: string): ForwardedElements | undefined {
  const elements = [new Map<string, string>()];
  PAIR.lastIndex = 0;
  for (let match = PAIR.exec(value); match !== null; match = PAIR.exec(value)) {
    const [, name = '', token, quoted = '', end] = match;
    const key = name.toLowerCase();
    const element = elements.at(-1)!;
    if (element.has(key)) return undefined;
    element.set(key, token ?? quoted.replaceAll(/\\(.)/g, '$1'));
    if (end === '') return summary(elements);
    if (end === ',') elements.push(new Map<string, string>());
  }
  return undefined;
}

function summary(elements: readonly Map<string, string>[]): ForwardedElements {
  const nodes: ForwardedNode[] = [];
  for (const element of elements.toReversed().slice(0, MAX_NODES)) {
    const text = element.get('for') ?? '';
    // A bare IPv6 address is no node here: its last group could as well be a port.
    const node = text.startsWith('[') || text.includes('.') ? readNode(text, 0, text.length) : undefined;
    if (node === undefined) break;
    nodes.push(node);
  }
  const last = elements.at(-1);
  return { nodes, proto: last?.get('proto'), host: last?.get('host') };
}

/** `address`, `IPv4:port`, `[IPv6]` or `[IPv6]:port` at text[start, end), with blanks around it. */
function readNode(text: string, start: number, end: number): ForwardedNode | undefined {
  if (end - start > MAX_NODE) return undefined;
  const node = text.slice(start, end).trim();
  const [, inBrackets, beforePort, digits] = WITH_MORE.exec(node) ?? [];
  const address = canonicalAddress(inBrackets ?? beforePort ?? node);
  const port = Number(digits ?? 0);
  return address === undefined || port > MAX_PORT ? undefined : { address, port };
}
