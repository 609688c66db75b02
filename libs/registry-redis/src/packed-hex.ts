const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Hex digits as base64url, in two thirds of the bytes. */
export const packHex = (hex: string): string => Buffer.from(hex, 'hex').toString('base64url');
export const unpackHex = (packed: string): string => Buffer.from(packed, 'base64url').toString('hex');

/** An id in 22 characters; one that is no UUID in lower case stays as it is, after `~`. */
export function packUuid(id: string): string {
  return UUID.test(id) ? packHex(id.replaceAll('-', '')) : `~${encodeURIComponent(id)}`;
}

export function unpackUuid(packed: string): string {
  if (packed.startsWith('~')) return decodeURIComponent(packed.slice(1));
  const hex = unpackHex(packed);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
