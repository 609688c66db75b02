/** The fields that this library takes out of a head, and the lookup that recognises them in one step. */
import { NAME } from './characters.ts';

/** What a field means to the parser. 0 stands for every other name. */
export const FIELD = {
  other: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  upgrade: 5,
  expect: 6,
  te: 7,
  trailer: 8,
  requestId: 9,
  forwarded: 10,
  forwardedFor: 11,
  forwardedHost: 12,
  forwardedProto: 13,
  forwardedPort: 14,
  realIp: 15,
  /** About the connection to us alone: never passed on. */
  hopByHop: 16,
  proxyConnection: 17,
  via: 18,
} as const;

export type FieldKind = (typeof FIELD)[keyof typeof FIELD];

const KINDS: Readonly<Record<string, FieldKind>> = {
  host: FIELD.host,
  'content-length': FIELD.contentLength,
  'transfer-encoding': FIELD.transferEncoding,
  connection: FIELD.connection,
  upgrade: FIELD.upgrade,
  expect: FIELD.expect,
  te: FIELD.te,
  trailer: FIELD.trailer,
  'x-request-id': FIELD.requestId,
  forwarded: FIELD.forwarded,
  'x-forwarded-for': FIELD.forwardedFor,
  'x-forwarded-host': FIELD.forwardedHost,
  'x-forwarded-proto': FIELD.forwardedProto,
  'x-forwarded-port': FIELD.forwardedPort,
  'x-real-ip': FIELD.realIp,
  via: FIELD.via,
  'keep-alive': FIELD.hopByHop,
  'proxy-connection': FIELD.proxyConnection,
  'proxy-authenticate': FIELD.hopByHop,
  'proxy-authorization': FIELD.hopByHop,
  'http2-settings': FIELD.hopByHop,
};

export const HASH_SEED = 0;

/** One step of the hash of a name. `code` comes from NAME, so the hash does not depend on case. */
export function hashStep(hash: number, code: number): number {
  return (Math.imul(hash, 31) + code) & 0xffff;
}

const SLOTS = 2_048;
const slots: { readonly name: string; readonly kind: FieldKind }[] = [];
const slotOf = new Uint8Array(SLOTS);

for (const [name, kind] of Object.entries(KINDS)) {
  let hash = HASH_SEED;
  for (let at = 0; at < name.length; at += 1) hash = hashStep(hash, name.charCodeAt(at));
  // A collision would make one of the two fields unknown: better not to start at all.
  if (slotOf[hash % SLOTS] !== 0) throw new RangeError(`field name hash collides at ${name}`);
  slotOf[hash % SLOTS] = slots.push({ name, kind });
}

/** The kind of the name at bytes[start, end), whose hash is `hash`. */
export function kindOf(bytes: Uint8Array, start: number, end: number, hash: number): FieldKind {
  const slot = slotOf[hash & (SLOTS - 1)]!;
  if (slot === 0) return FIELD.other;
  const { name, kind } = slots[slot - 1]!;
  if (name.length !== end - start) return FIELD.other;
  for (let at = 0; at < name.length; at += 1) {
    if (NAME[bytes[start + at]!] !== name.charCodeAt(at)) return FIELD.other;
  }
  return kind;
}

/** Whether `name` (lower case) is a field whose meaning a Connection option must not change. */
export function isProtected(name: string): boolean {
  return name.startsWith('x-forwarded-') || KINDS[name] !== undefined;
}
