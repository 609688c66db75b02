import type { Socket } from 'node:net';
import { RawService } from './agent-kit.ts';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const FRAME_HEADER_BYTES = 9;
const ACK = 0x1;
export const END_STREAM = 0x1;
const END_HEADERS = 0x4;
const Frame = { data: 0, headers: 1, reset: 3, settings: 4, push: 5, ping: 6, goAway: 7 } as const;

type Fields = readonly (readonly [name: string, value: string])[];

/** One connection of a service that says in HTTP/2 exactly what a test wants, whatever the protocol thinks of it. */
export class FrameConnection {
  readonly socket: Socket;
  /** Codes of the resets that came, by stream. */
  readonly resets = new Map<number, number>();
  /** Pings that came; they are answered while it is not `mute`. */
  pings = 0;
  mute = false;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  onPing(payload: Buffer): void {
    this.pings++;
    if (!this.mute) this.frame(Frame.ping, ACK, 0, payload);
  }

  frame(kind: number, flags: number, stream: number, payload: Buffer | string = ''): void {
    const body = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
    const header = Buffer.alloc(FRAME_HEADER_BYTES);
    header.writeUIntBE(body.length, 0, 3);
    header[3] = kind;
    header[4] = flags;
    header.writeUInt32BE(stream, 5);
    this.socket.write(Buffer.concat([header, body]));
  }

  head(stream: number, fields: Fields, flags = 0): void {
    this.frame(Frame.headers, END_HEADERS | flags, stream, Buffer.concat(fields.map(literal)));
  }

  data(stream: number, text: string, flags = 0): void {
    this.frame(Frame.data, flags, stream, text);
  }

  reset(stream: number, code: number): void {
    this.frame(Frame.reset, 0, stream, words(code));
  }

  goAway(lastStream: number, code: number): void {
    this.frame(Frame.goAway, 0, 0, words(lastStream, code));
  }

  settings(settings: readonly (readonly [id: number, value: number])[]): void {
    const parts = settings.map(([id, value]) => Buffer.concat([Buffer.from([id >> 8, id]), words(value)]));
    this.frame(Frame.settings, 0, 0, Buffer.concat(parts));
  }
}

export interface FrameServiceOptions {
  readonly settings?: readonly (readonly [id: number, value: number])[];
  /** Absent: every request is left alone. */
  readonly onHead?: (connection: FrameConnection, stream: number, nth: number) => void;
}

/** Speaks HTTP/2 in clear by frames. Answers settings and pings, and leaves all else to the test. */
export class FrameService {
  readonly connections: FrameConnection[] = [];
  readonly #service: RawService;
  requests = 0;

  private constructor(service: RawService) {
    this.#service = service;
  }

  static async start(options: FrameServiceOptions = {}): Promise<FrameService> {
    const read: number[] = [];
    const raw = await RawService.start((socket, received, at) => {
      if (received.length < PREFACE.length) return;
      if (service.connections[at] === undefined) {
        service.connections[at] = new FrameConnection(socket);
        service.connections[at].settings(options.settings ?? []);
      }
      read[at] = service.#take(received, read[at] ?? PREFACE.length, service.connections[at], options);
    });
    const service = new FrameService(raw);
    return service;
  }

  get url(): string {
    return `h2c://127.0.0.1:${this.#service.port}`;
  }

  /** Connections that are closed. */
  get closed(): number {
    return this.#service.closed;
  }

  stop(): Promise<void> {
    return this.#service.stop();
  }

  #take(received: string, from: number, connection: FrameConnection, options: FrameServiceOptions): number {
    let at = from;
    for (;;) {
      const header = Buffer.from(received.slice(at, at + FRAME_HEADER_BYTES), 'latin1');
      if (header.length < FRAME_HEADER_BYTES) return at;
      const end = at + FRAME_HEADER_BYTES + header.readUIntBE(0, 3);
      if (received.length < end) return at;
      const payload = Buffer.from(received.slice(at + FRAME_HEADER_BYTES, end), 'latin1');
      at = end;
      const [kind, flags, stream] = [header[3], header[4]!, header.readUInt32BE(5)];
      if (kind === Frame.settings && (flags & ACK) === 0) connection.frame(Frame.settings, ACK, 0);
      else if (kind === Frame.ping && (flags & ACK) === 0) connection.onPing(payload);
      else if (kind === Frame.reset) connection.resets.set(stream, payload.readUInt32BE(0));
      else if (kind === Frame.headers) options.onHead?.(connection, stream, this.requests++);
    }
  }
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, at * 4);
  return bytes;
}

/** RFC 7541 §6.2.3: a field that is never indexed, name and value as they are. */
function literal([name, value]: readonly [string, string]): Buffer {
  return Buffer.concat([Buffer.from([0x10]), text(name), text(value)]);
}

/** RFC 7541 §5.2, with the length as an integer of a seven-bit prefix. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  const length: number[] = [];
  if (bytes.length < 127) length.push(bytes.length);
  else {
    length.push(127);
    let left = bytes.length - 127;
    for (; left >= 128; left = Math.floor(left / 128)) length.push((left % 128) + 128);
    length.push(left);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}
