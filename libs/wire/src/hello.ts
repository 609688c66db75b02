import { MAX_VERSION, MIN_VERSION, readU32, writeU32 } from './frame.ts';
import { ProtocolError } from './protocol-error.ts';

/** Features that either side may offer; a link uses those that both did. None is defined in version 1. */
export const NO_FEATURES = 0;

const FIXED_BYTES = 1 + 1 + 4;

/** A dialer's first frame. The fixed part stays the same in every version, so that any two can refuse in words. */
export interface Hello extends OfferedVersions {
  readonly body: HelloBody;
}
export interface OfferedVersions {
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly features: number;
}
export type HelloBody = AgentHello | PeerHello;

export interface AgentHello {
  readonly role: 'agent';
  readonly tunnel: string;
  readonly token: string;
  /** The agent process: a UUID made at its start. */
  readonly agent: string;
  /** Grows with every attachment of this process to this edge; links of one attachment share it. */
  readonly generation: number;
  /** Software version, for people. */
  readonly software: string;
  readonly region?: string;
  /** Bytes that the dialer takes of a stream before it grants credit. */
  readonly window: number;
  readonly claims?: { readonly hostnames: readonly string[]; readonly ports: readonly number[] };
}
export interface PeerHello {
  readonly role: 'peer';
  readonly edge: string;
  /** 32 random bytes in hex, for the listener's proof. */
  readonly nonce: string;
  readonly software: string;
  readonly window: number;
}

/** The listener's answer. */
export interface Welcome {
  readonly version: number;
  readonly features: number;
  readonly body: WelcomeBody;
}
export interface WelcomeBody {
  readonly edge: string;
  readonly region: string;
  readonly session: string;
  readonly software: string;
  readonly window: number;
  readonly edges: readonly EdgeAddress[];
  /** On peer links: HMAC that proves the listener's knowledge of the secret. */
  readonly proof?: string;
}

/** An edge that an agent may dial. */
export interface EdgeAddress {
  readonly id: string;
  readonly region: string;
  /** As an agent would write it in its configuration. */
  readonly address: string;
  /** Another one for each start of the edge: who was left alone because it failed may be dialled again. */
  readonly boot?: string;
}

export function encodeHello(
  body: HelloBody,
  versions: { min: number; max: number } = { min: MIN_VERSION, max: MAX_VERSION },
): Buffer {
  return encodeHandshake(versions.min, versions.max, body);
}

/**
 * The versions that a dialer offers. To be read before the body, whose form belongs to a version.
 * @throws ProtocolError when the payload is no hello of any version
 */
export function decodeVersions(payload: Buffer): OfferedVersions {
  if (payload.length < FIXED_BYTES)
    throw new ProtocolError(`handshake frame of ${payload.length} bytes is too short`);
  return { minVersion: payload[0]!, maxVersion: payload[1]!, features: readU32(payload, 2) };
}

/** @throws ProtocolError when the payload is no hello of this version. */
export function decodeHello(payload: Buffer): Hello {
  const versions = decodeVersions(payload);
  return { ...versions, body: checkHello(parseObject(payload.subarray(FIXED_BYTES))) };
}

/** A dialer is a stranger: every field that is used later is checked here. */
function checkHello(body: object): HelloBody {
  const fields = body as Fields;
  if (fields['role'] === 'agent') checkAgent(fields);
  else if (fields['role'] === 'peer') checkPeer(fields);
  else throw new ProtocolError('hello of an unknown role');
  if (!isWindow(fields['window'])) throw new ProtocolError('hello without window');
  return body as HelloBody;
}

type Fields = Readonly<Partial<Record<string, unknown>>>;

function checkAgent(fields: Fields): void {
  checkTexts(fields, ['tunnel', 'token', 'agent', 'software']);
  if (fields['region'] !== undefined) checkTexts(fields, ['region']);
  const generation = fields['generation'];
  if (!Number.isSafeInteger(generation) || (generation as number) < 0)
    throw new ProtocolError('hello without generation');
  checkClaims(fields['claims']);
}

function checkPeer(fields: Fields): void {
  checkTexts(fields, ['edge', 'nonce', 'software']);
  if (!/^[0-9a-f]{64}$/i.test(fields['nonce'] as string))
    throw new ProtocolError('hello with a malformed nonce');
}

function checkTexts(fields: Fields, names: readonly string[]): void {
  for (const name of names) {
    if (typeof fields[name] !== 'string') throw new ProtocolError(`hello without ${name}`);
  }
}

/** Windows travel in opening frames as 32 bits; those of a handshake keep to the same. */
function isWindow(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffff_ffff;
}

function checkClaims(claims: unknown): void {
  if (claims === undefined) return;
  const { hostnames, ports } = (claims ?? {}) as { hostnames?: unknown; ports?: unknown };
  const good =
    Array.isArray(hostnames) &&
    hostnames.every((name) => typeof name === 'string') &&
    Array.isArray(ports) &&
    ports.every((port) => Number.isInteger(port));
  if (!good) throw new ProtocolError('hello with malformed claims');
}

export function encodeWelcome(body: WelcomeBody, version: number = MAX_VERSION): Buffer {
  return encodeHandshake(version, version, body);
}

/** @throws ProtocolError when the payload is no welcome. */
export function decodeWelcome(payload: Buffer): Welcome {
  const { minVersion: version, features } = decodeVersions(payload);
  const body = parseObject(payload.subarray(FIXED_BYTES));
  const { edge, region, session, window, edges, proof } = body as Partial<WelcomeBody>;
  if (typeof edge !== 'string' || typeof region !== 'string' || typeof session !== 'string') {
    throw new ProtocolError('welcome without edge, region or session');
  }
  if (!isWindow(window)) throw new ProtocolError('welcome without window');
  if (proof !== undefined && typeof proof !== 'string')
    throw new ProtocolError('welcome with a malformed proof');
  return { version, features, body: { ...(body as WelcomeBody), edges: checkEdges(edges) } };
}

/** @throws ProtocolError when the payload is no list of edges. */
export function decodeEdges(payload: Buffer): readonly EdgeAddress[] {
  return checkEdges((parseObject(payload) as { edges?: unknown }).edges);
}

export function encodeEdges(edges: readonly EdgeAddress[]): Buffer {
  return Buffer.from(JSON.stringify({ edges }), 'utf8');
}

function checkEdges(edges: unknown): readonly EdgeAddress[] {
  const good =
    Array.isArray(edges) &&
    edges.every(
      (edge: Partial<EdgeAddress> | null) =>
        typeof edge?.id === 'string' &&
        typeof edge.region === 'string' &&
        typeof edge.address === 'string' &&
        (edge.boot === undefined || typeof edge.boot === 'string'),
    );
  if (!good) throw new ProtocolError('malformed list of edges');
  return edges as readonly EdgeAddress[];
}

/** The version to speak with a dialer, or undefined when there is none in common. */
export function chooseVersion(hello: Pick<OfferedVersions, 'minVersion' | 'maxVersion'>): number | undefined {
  const version = Math.min(hello.maxVersion, MAX_VERSION);
  return version >= Math.max(hello.minVersion, MIN_VERSION) ? version : undefined;
}

function encodeHandshake(first: number, second: number, body: object): Buffer {
  const json = Buffer.from(JSON.stringify(body), 'utf8');
  const payload = Buffer.alloc(FIXED_BYTES + json.length);
  payload[0] = first;
  payload[1] = second;
  writeU32(payload, 2, NO_FEATURES);
  json.copy(payload, FIXED_BYTES);
  return payload;
}

/** @throws ProtocolError when the bytes are not a JSON object. */
export function parseObject(json: Buffer): object {
  let value: unknown;
  try {
    value = JSON.parse(json.toString('utf8'));
  } catch (error) {
    throw new ProtocolError('handshake frame is not JSON', { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ProtocolError('handshake frame is not a JSON object');
  }
  return value;
}
