import { readU32, writeU32 } from './frame.ts';
import { ProtocolError } from './protocol-error.ts';

const FIXED_BYTES = 2 + 4;
const MAX_TEXT_BYTES = 1_000;

/** Why a link ends or was refused. */
export interface GoAway {
  readonly code: number;
  /** Milliseconds to wait before dialling again; 0 leaves it to the dialer. */
  readonly retryAfterMs: number;
  /** One line for people. */
  readonly text: string;
}

export function encodeGoAway(goAway: GoAway): Buffer {
  const text = lineOf(goAway.text);
  const payload = Buffer.alloc(FIXED_BYTES + text.length);
  payload.writeUInt16BE(goAway.code, 0);
  writeU32(payload, 2, goAway.retryAfterMs);
  text.copy(payload, FIXED_BYTES);
  return payload;
}

/** @throws ProtocolError when the payload is too short. */
export function decodeGoAway(payload: Buffer): GoAway {
  if (payload.length < FIXED_BYTES)
    throw new ProtocolError(`go-away frame of ${payload.length} bytes is too short`);
  return {
    code: payload.readUInt16BE(0),
    retryAfterMs: readU32(payload, 2),
    text: payload.subarray(FIXED_BYTES).toString('utf8'),
  };
}

/** A stream's reset: a code and a line for people. */
export interface Reset {
  readonly code: number;
  readonly text: string;
}

export function encodeReset(reset: Reset): Buffer {
  const text = lineOf(reset.text);
  const payload = Buffer.alloc(2 + text.length);
  payload.writeUInt16BE(reset.code, 0);
  text.copy(payload, 2);
  return payload;
}

/** @throws ProtocolError when the payload is too short. */
export function decodeReset(payload: Buffer): Reset {
  if (payload.length < 2) throw new ProtocolError(`reset frame of ${payload.length} bytes is too short`);
  return { code: payload.readUInt16BE(0), text: payload.subarray(2).toString('utf8') };
}

/** UTF-8 of as much of a text as fits, cut between characters. */
function lineOf(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= MAX_TEXT_BYTES) return bytes;
  let end = MAX_TEXT_BYTES;
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}
