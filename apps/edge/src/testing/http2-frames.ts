import { eventually } from '@culvert/testkit';
import { RawClient } from './raw-client.ts';

const FRAME_HEAD_BYTES = 9;
const NOTHING = Buffer.alloc(0);
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** Frame types of RFC 9113 §6. */
export const Frame = {
  Data: 0,
  Headers: 1,
  ResetStream: 3,
  Settings: 4,
  Ping: 6,
  GoAway: 7,
  WindowUpdate: 8,
  Continuation: 9,
} as const;

export const END_STREAM = 0x1;
export const END_HEADERS = 0x4;

export interface ReadFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** An HTTP/2 client that sends whatever frames a test says. */
export class Http2Frames {
  readonly raw: RawClient;

  private constructor(raw: RawClient) {
    this.raw = raw;
  }

  /** Connected, with the preface and an empty SETTINGS sent. */
  static async connect(port: number): Promise<Http2Frames> {
    const frames = new Http2Frames(await RawClient.connect(port));
    frames.raw.send(PREFACE);
    return frames.send(Frame.Settings, 0, 0);
  }

  send(type: number, flags: number, stream: number, payload: Buffer = NOTHING): this {
    this.raw.send(frame(type, flags, stream, payload));
    return this;
  }

  /** GET / of `app.test`, unless the fields say otherwise. */
  get(stream: number, fields: readonly (readonly [string, string])[] = REQUEST): this {
    return this.send(Frame.Headers, END_STREAM | END_HEADERS, stream, block(fields));
  }

  /** Every whole frame that has come. */
  get received(): ReadFrame[] {
    const bytes = this.raw.received;
    const frames: ReadFrame[] = [];
    for (let at = 0; at + FRAME_HEAD_BYTES <= bytes.length;) {
      const end = at + FRAME_HEAD_BYTES + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      const payload = bytes.subarray(at + FRAME_HEAD_BYTES, end);
      frames.push({
        type: bytes[at + 3]!,
        flags: bytes[at + 4]!,
        stream: bytes.readUInt32BE(at + 5),
        payload,
      });
      at = end;
    }
    return frames;
  }

  /** The error code with which a stream was reset. */
  reset(stream: number): Promise<number> {
    return eventually(() => {
      const found = this.received.find((one) => one.type === Frame.ResetStream && one.stream === stream);
      return found === undefined ? false : { code: found.payload.readUInt32BE(0) };
    }).then(({ code }) => code);
  }

  /** The error code with which the connection was given up. */
  goAway(): Promise<number> {
    return eventually(() => {
      const found = this.received.findLast((one) => one.type === Frame.GoAway);
      return found === undefined ? false : { code: found.payload.readUInt32BE(4) };
    }).then(({ code }) => code);
  }
}

/** A GET as a plain client asks it. */
export const REQUEST: readonly (readonly [string, string])[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'app.test'],
];

export function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A field block of literals without indexing (RFC 7541 §6.2.2), which hides nothing of what a test writes. */
export function block(fields: readonly (readonly [string, string])[]): Buffer {
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
