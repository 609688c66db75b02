import { isIPv4, isIPv6 } from 'node:net';
import { Malformed, needMore } from './verdict.ts';
import type { Endpoint, ProxyHeader, Verdict } from './verdict.ts';

const PREFIX = 'PROXY ';
/** The longest line that the specification allows, CRLF included. */
const MAX_LINE = 107;

/** The human-readable PROXY header, or `undefined` when the bytes are something else. Throws Malformed. */
export function sniffProxyV1(bytes: Buffer): Verdict | undefined {
  const text = bytes.toString('latin1', 0, Math.min(bytes.length, MAX_LINE));
  if (!text.startsWith(PREFIX)) {
    // A lone "P" is as yet PROXY, PRI, POST, PUT or PATCH.
    return PREFIX.startsWith(text) ? needMore(bytes.length + 1) : undefined;
  }
  const feed = text.indexOf('\n');
  if (feed !== -1) return readLine(text.slice(0, feed + 1));
  if (text.length === MAX_LINE) throw new Malformed('line too long');
  return needMore(bytes.length + 1);
}

function readLine(line: string): ProxyHeader {
  const header = { kind: 'proxy-protocol', version: 1, headerLength: line.length } as const;
  if (!line.endsWith('\r\n')) throw new Malformed('bad line end');
  const [family, from, to, fromPort, toPort, ...rest] = line.slice(PREFIX.length, -2).split(' ');
  if (family === 'UNKNOWN') return { ...header, source: undefined, destination: undefined };
  if (rest.length > 0) throw new Malformed('bad line');
  return { ...header, source: endpoint(family, from, fromPort), destination: endpoint(family, to, toPort) };
}

function endpoint(family: string | undefined, address = '', port = ''): Endpoint {
  const valid =
    family === 'TCP4' ? isIPv4(address) : family === 'TCP6' && isIPv6(address) && !address.includes('%');
  if (!valid || !/^(?:0|[1-9]\d{0,4})$/.test(port) || Number(port) > 65_535) throw new Malformed('bad line');
  return { address: address.toLowerCase(), port: Number(port) };
}
