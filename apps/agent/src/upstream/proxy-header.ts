import { isIP } from 'node:net';

export type ProxyProtocol = 'v1' | 'v2';

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** Version 2, on behalf of somebody. */
const PROXY = 0x21;
const TCP4 = 0x11;
const TCP6 = 0x21;
const ADDRESS = /^\[?([0-9a-fA-F:.]+)\]?:(\d{1,5})$/;

/**
 * What a connection begins with so that its service knows the client (HAProxy's proxy-protocol.txt). The address that
 * the client dialled is not known here: it is given as the unspecified one, with the port of the service.
 * @param client `address:port`, IPv6 in brackets
 */
export function proxyHeader(version: ProxyProtocol, client: string, servicePort: number): Buffer {
  const [, text = '', port = '0'] = ADDRESS.exec(client) ?? [];
  const address = text.replace(/^::ffff:(?=\d+\.)/i, '');
  const family = isIP(address);
  if (version === 'v1') return Buffer.from(lineOf(family, address, Number(port), servicePort), 'latin1');
  if (family === 0) return Buffer.concat([SIGNATURE, Buffer.from([PROXY, 0, 0, 0])]);
  const bytes = family === 4 ? bytesOf4(address) : bytesOf6(address);
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(Number(port), 0);
  ports.writeUInt16BE(servicePort, 2);
  const body = Buffer.concat([bytes, Buffer.alloc(bytes.length), ports]);
  return Buffer.concat([SIGNATURE, Buffer.from([PROXY, family === 4 ? TCP4 : TCP6, 0, body.length]), body]);
}

function lineOf(family: number, address: string, port: number, servicePort: number): string {
  if (family === 0) return 'PROXY UNKNOWN\r\n';
  const [name, unspecified] = family === 4 ? ['TCP4', '0.0.0.0'] : ['TCP6', '::'];
  return `PROXY ${name} ${address} ${unspecified} ${port} ${servicePort}\r\n`;
}

function bytesOf4(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}

function bytesOf6(address: string): Buffer {
  const [head = '', tail] = canonical(address).split('::');
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((digits) => parseInt(digits, 16));
  const [first, last] = [groups(head), groups(tail ?? '')];
  const words =
    tail === undefined
      ? first
      : [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last];
  const bytes = Buffer.alloc(16);
  for (const [at, word] of words.entries()) bytes.writeUInt16BE(word, at * 2);
  return bytes;
}

/** An IPv4 tail becomes two groups. */
function canonical(address: string): string {
  const [, before, tail] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address) ?? [];
  if (before === undefined || tail === undefined) return address;
  const [a = 0, b = 0, c = 0, d = 0] = tail.split('.').map(Number);
  return `${before}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}
