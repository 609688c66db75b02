const FRAME_HEAD_BYTES = 9;

/** Frame types of RFC 9113 §6. */
export const Http2Frame = {
  Data: 0,
  Headers: 1,
  ResetStream: 3,
  Settings: 4,
  Ping: 6,
  GoAway: 7,
  WindowUpdate: 8,
  Continuation: 9,
} as const;

export const Http2Flag = { EndStream: 0x1, EndHeaders: 0x4 } as const;

export interface ReadHttp2Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** The whole frames at the beginning of the bytes, as many as there are. */
export function readHttp2Frames(bytes: Buffer): ReadHttp2Frame[] {
  const frames: ReadHttp2Frame[] = [];
  for (let at = 0; at + FRAME_HEAD_BYTES <= bytes.length;) {
    const end = at + FRAME_HEAD_BYTES + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    const payload = bytes.subarray(at + FRAME_HEAD_BYTES, end);
    frames.push({ type: bytes[at + 3]!, flags: bytes[at + 4]!, stream: bytes.readUInt32BE(at + 5), payload });
    at = end;
  }
  return frames;
}

export function http2Frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A field block of literals without indexing (RFC 7541 §6.2.2), which hides nothing of what a test writes. */
export function http2Block(fields: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), literal(name), literal(value)]));
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([prefixed(bytes.length), bytes]);
}

/** An integer with a prefix of 7 bits (RFC 7541 §5.1). */
function prefixed(length: number): Buffer {
  if (length < 127) return Buffer.of(length);
  const parts = [127];
  let left = length - 127;
  for (; left >= 128; left >>= 7) parts.push((left & 127) | 128);
  return Buffer.from([...parts, left]);
}
