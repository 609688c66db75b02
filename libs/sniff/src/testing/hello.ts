/** ClientHellos made by hand, so that each part can be wrong on its own. */

const u8 = (value: number) => Buffer.from([value]);
const u16 = (value: number) => Buffer.from([value >> 8, value & 0xff]);
const u24 = (value: number) => Buffer.from([value >> 16, (value >> 8) & 0xff, value & 0xff]);
const vector8 = (bytes: Buffer) => Buffer.concat([u8(bytes.length), bytes]);
const vector16 = (bytes: Buffer) => Buffer.concat([u16(bytes.length), bytes]);

export const extension = (type: number, body: Buffer) => Buffer.concat([u16(type), vector16(body)]);
export const serverName = (name: string) =>
  extension(0, vector16(Buffer.concat([u8(0), vector16(Buffer.from(name, 'latin1'))])));
export const alpn = (...protocols: readonly string[]) =>
  extension(
    16,
    vector16(Buffer.concat(protocols.map((protocol) => vector8(Buffer.from(protocol, 'latin1'))))),
  );
export const grease = (type: number) => extension(type, Buffer.alloc(1));

/** A handshake message of type client_hello. */
export function hello(extensions?: readonly Buffer[]): Buffer {
  const body = Buffer.concat([
    ...[u16(0x0303), Buffer.alloc(32, 7), vector8(Buffer.alloc(32, 9))],
    ...[vector16(Buffer.from([0x1a, 0x1a, 0x13, 0x01])), vector8(u8(0))],
    ...(extensions === undefined ? [] : [vector16(Buffer.concat(extensions))]),
  ]);
  return Buffer.concat([u8(1), u24(body.length), body]);
}

/** `message` in handshake records of at most `size` bytes. */
export function records(message: Buffer, size = 16_384): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    parts.push(u8(0x16), u16(0x0301), vector16(message.subarray(at, at + size)));
  }
  return Buffer.concat(parts);
}
