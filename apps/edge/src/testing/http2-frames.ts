import {
  eventually,
  http2Block as block,
  Http2Flag,
  Http2Frame as Frame,
  http2Frame,
  readHttp2Frames,
} from '@culvert/testkit';
import type { ReadHttp2Frame } from '@culvert/testkit';
import { RawClient } from './raw-client.ts';

const NOTHING = Buffer.alloc(0);
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

export { block, Frame };
export const { EndStream: END_STREAM, EndHeaders: END_HEADERS } = Http2Flag;

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
    this.raw.send(http2Frame(type, flags, stream, payload));
    return this;
  }

  /** GET / of `app.test`, unless the fields say otherwise. */
  get(stream: number, fields: readonly (readonly [string, string])[] = REQUEST): this {
    return this.send(Frame.Headers, END_STREAM | END_HEADERS, stream, block(fields));
  }

  /** Every whole frame that has come. */
  get received(): ReadHttp2Frame[] {
    return readHttp2Frames(this.raw.received);
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
