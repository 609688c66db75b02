import { parseHostname, parseHostnamePattern } from '@culvert/settings';
import type {
  AuthenticateRequest,
  Claims,
  EdgeByeRequest,
  EdgeInfo,
  SessionsMessage,
} from '@culvert/signals';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const DIGEST = /^[0-9a-f]{64}$/;

/** A message from an edge that is not of the agreed form. */
export class MalformedMessageError extends Error {
  readonly subject: string;

  constructor(subject: string, options?: ErrorOptions) {
    super(`malformed message on ${subject}`, options);
    this.name = 'MalformedMessageError';
    this.subject = subject;
  }
}

type Checked<T> = T | undefined;

/** The hostname in its normal form; undefined for what cannot be one. */
export function resolveHostname(message: unknown): Checked<string> {
  return isRecord(message) && typeof message['hostname'] === 'string'
    ? parseHostname(message['hostname'])
    : undefined;
}

/** Patterns come back in their normal form. */
export function authenticateRequest(message: unknown): Checked<AuthenticateRequest> {
  if (!isRecord(message)) return undefined;
  const { edge, tunnel, digest } = message;
  const claims = claimsOf(message['claims']);
  if (typeof edge !== 'string' || typeof tunnel !== 'string' || typeof digest !== 'string') return undefined;
  if (!DIGEST.test(digest) || claims === undefined) return undefined;
  return { edge, tunnel: tunnel.toLowerCase(), digest, claims };
}

export function edgeInfo(message: unknown): Checked<EdgeInfo> {
  if (!isRecord(message)) return undefined;
  const { id, region, boot, draining, load, warnings } = message;
  const named = isText(id) && typeof region === 'string' && isText(boot) && typeof draining === 'boolean';
  return named && isRecord(load) && Array.isArray(warnings) ? (message as unknown as EdgeInfo) : undefined;
}

export function edgeBye(message: unknown): Checked<EdgeByeRequest> {
  if (!isRecord(message)) return undefined;
  const { id, boot } = message;
  return isText(id) && isText(boot) ? { id, boot } : undefined;
}

export function sessionsMessage(message: unknown): Checked<SessionsMessage> {
  if (!isRecord(message)) return undefined;
  const { edge, boot, seq, mode, sessions, up, down } = message;
  if (!isText(edge) || !isText(boot) || !Number.isSafeInteger(seq) || Number(seq) < 1) return undefined;
  const whole = mode === 'all' && isListOf(sessions, isSession);
  const change = mode === 'change' && isListOf(up, isSession) && isListOf(down, isText);
  return whole || change ? (message as unknown as SessionsMessage) : undefined;
}

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

function claimsOf(value: unknown): Checked<Claims> {
  if (value === undefined) return { hostnames: [], ports: [] };
  if (!isRecord(value)) return undefined;
  const { hostnames = [], ports = [] } = value;
  if (!isListOf(hostnames, isText) || !isListOf(ports, isPort)) return undefined;
  const patterns = (hostnames as string[]).map(parseHostnamePattern);
  const valid = patterns.filter((pattern) => pattern !== undefined);
  return valid.length === patterns.length ? { hostnames: valid, ports: ports as number[] } : undefined;
}

function isSession(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { id, tunnel, agent, edge, address, version, digest } = value;
  const { generation, links, since, draining, claims } = value;
  const texts = [id, tunnel, agent, edge, address, version, digest].every((text) => typeof text === 'string');
  const numbers = [generation, links, since].every((number) => typeof number === 'number');
  return texts && numbers && typeof draining === 'boolean' && claimsOf(claims) !== undefined && isText(id);
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isPort = (value: unknown): boolean =>
  Number.isInteger(value) && Number(value) > 0 && Number(value) < 65_536;
const isListOf = (value: unknown, check: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(check);
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
