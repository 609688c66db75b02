import { isIP } from 'node:net';
import { ByteReader } from './byte-reader.ts';
import { Malformed } from './verdict.ts';
import type { Tls } from './verdict.ts';

const EXTENSION = { serverName: 0, alpn: 16, encryptedClientHello: 0xfe0d } as const;
const HOST_NAME = 0;
const RANDOM_BYTES = 32;

/** Reads the body of a ClientHello (RFC 8446 §4.1.2; the layout of TLS 1.0 to 1.3). Throws Malformed. */
export function readClientHello(body: Buffer): Tls {
  const reader = new ByteReader(body);
  if (reader.number(1) !== 3) throw new Malformed('bad client version');
  reader.take(1 + RANDOM_BYTES);
  if (reader.vector(1).length > 32) throw new Malformed('session id too long');
  if (reader.vector(2, 2).length % 2 !== 0) throw new Malformed('bad cipher suites');
  reader.vector(1, 1);
  const extensions = reader.left === 0 ? new Map<number, Buffer>() : readExtensions(reader);
  const serverName = extensions.get(EXTENSION.serverName);
  const alpn = extensions.get(EXTENSION.alpn);
  return {
    kind: 'tls',
    serverName: serverName === undefined ? undefined : readServerName(serverName),
    alpn: alpn === undefined ? [] : readAlpn(alpn),
    ech: extensions.has(EXTENSION.encryptedClientHello),
  };
}

function readExtensions(reader: ByteReader): Map<number, Buffer> {
  const list = new ByteReader(reader.vector(2));
  reader.end();
  const extensions = new Map<number, Buffer>();
  while (list.left > 0) {
    const type = list.number(2);
    if (extensions.has(type)) throw new Malformed('repeated extension');
    extensions.set(type, list.vector(2));
  }
  return extensions;
}

/** RFC 6066 §3: one name of type host_name; other types have never been defined. */
function readServerName(extension: Buffer): string | undefined {
  const reader = new ByteReader(extension);
  const list = new ByteReader(reader.vector(2, 1));
  reader.end();
  if (list.number(1) !== HOST_NAME) throw new Malformed('unknown server name type');
  const name = list.vector(2, 1).toString('latin1').toLowerCase();
  list.end();
  return nameOf(name.endsWith('.') ? name.slice(0, -1) : name);
}

/** Addresses are not allowed in SNI, but sent; they select nothing. */
function nameOf(name: string): string | undefined {
  if (isIP(name) !== 0) return undefined;
  const labels = name.split('.');
  if (name.length > 253 || !labels.every((label) => /^[a-z0-9_-]{1,63}$/.test(label))) {
    throw new Malformed('bad server name');
  }
  return name;
}

function readAlpn(extension: Buffer): readonly string[] {
  const reader = new ByteReader(extension);
  const list = new ByteReader(reader.vector(2, 2));
  reader.end();
  const protocols: string[] = [];
  while (list.left > 0) protocols.push(list.vector(1, 1).toString('latin1'));
  return protocols;
}
