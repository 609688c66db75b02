/** Two readers of the same request bytes, ours and llhttp, reduced to what can be compared. */
import { createRequire } from 'node:module';
import {
  bodyDecoder,
  checkPartialHead,
  findHeadEnd,
  headStart,
  Http1Error,
  readRequestHead,
  readResponseHead,
} from '../index.ts';
import type { HeadLimits } from '../index.ts';

export interface Message {
  /** Method and target, or the status. */
  readonly start: string;
  readonly body: string;
}

/** Messages read until the bytes ended, or until `refused`; `partial` when the last one had not ended. */
export interface Reading {
  readonly messages: readonly Message[];
  readonly outcome: 'whole' | 'partial' | 'refused' | 'upgraded';
  readonly reason: string;
}

type Side = 'request' | 'response';
class Stop extends Error {}

/** What `bytes` are to this library. Bytes after a message that ends its connection count as refused. */
export function readOurs(bytes: Buffer, side: Side, limits: HeadLimits): Reading {
  const messages: Message[] = [];
  try {
    let at = 0;
    while (at < bytes.length) {
      const start = side === 'request' ? headStart(bytes, at, bytes.length) : at;
      const headEnd = findHeadEnd(bytes, start, bytes.length);
      if (headEnd === -1) {
        checkPartialHead(bytes, start, bytes.length);
        return { messages, outcome: start === bytes.length ? 'whole' : 'partial', reason: '' };
      }
      const head =
        side === 'request' ? request(bytes, start, headEnd, limits) : response(bytes, start, headEnd, limits);
      const decoder = bodyDecoder(head);
      let body = '';
      const sink = {
        onData: (data: Buffer, from: number, to: number) => (body += data.toString('latin1', from, to)),
      };
      at = decoder === undefined ? headEnd : decoder.push(bytes, headEnd, bytes.length, sink);
      messages.push({ start: head.start, body });
      if (decoder !== undefined && !decoder.done) return { messages, outcome: 'partial', reason: '' };
      if (head.upgraded) return { messages, outcome: 'upgraded', reason: '' };
      if (!head.keepAlive && at < bytes.length) return { messages, outcome: 'refused', reason: 'closed' };
    }
    return { messages, outcome: 'whole', reason: '' };
  } catch (error) {
    if (!(error instanceof Http1Error)) throw error;
    return { messages, outcome: 'refused', reason: error.reason };
  }
}

function request(bytes: Buffer, start: number, end: number, limits: HeadLimits) {
  const head = readRequestHead(bytes, start, end, limits);
  const upgraded = head.upgrade !== undefined || head.method === 'CONNECT';
  return { ...head, start: `${head.method} ${head.target}`, upgraded };
}

function response(bytes: Buffer, start: number, end: number, limits: HeadLimits) {
  const head = readResponseHead(bytes, start, end, 'GET', limits);
  return { ...head, start: String(head.status), upgraded: head.status === 101 };
}

interface Parser {
  [event: number]: unknown;
  initialize(type: number, resource: object, maxHeaderSize: number, lenient: number): void;
  execute(bytes: Buffer): number | Error;
}

interface ParserClass {
  new (): Parser;
  readonly REQUEST: number;
  readonly RESPONSE: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
  readonly kLenientNone: number;
}

const { HTTPParser, methods } = createRequire(import.meta.url)('node:_http_common') as {
  HTTPParser: ParserClass;
  methods: readonly string[];
};

/** What `bytes` are to Node's llhttp without any leniency. */
export function readTheirs(bytes: Buffer, side: Side): Reading {
  const messages: Message[] = [];
  let upgraded = false;
  let open: { start: string; body: string } | undefined;
  const parser = new HTTPParser();
  parser.initialize(
    side === 'request' ? HTTPParser.REQUEST : HTTPParser.RESPONSE,
    {},
    1 << 20,
    HTTPParser.kLenientNone,
  );
  parser[HTTPParser.kOnHeadersComplete] = (
    _major: number,
    _minor: number,
    _headers: readonly string[],
    method: number,
    url: string,
    status: number,
    _message: string,
    upgrade: boolean,
  ): number => {
    open = { start: side === 'request' ? `${methods[method] ?? 'QUERY'} ${url}` : String(status), body: '' };
    messages.push(open);
    upgraded = upgrade;
    return 0;
  };
  parser[HTTPParser.kOnBody] = (piece: Buffer): void => {
    if (open === undefined) throw new Stop('body without a head');
    open.body += piece.toString('latin1');
  };
  parser[HTTPParser.kOnMessageComplete] = (): void => {
    open = undefined;
  };
  const result = parser.execute(bytes);
  if (result instanceof Error) return { messages, outcome: 'refused', reason: result.message };
  if (upgraded) return { messages, outcome: 'upgraded', reason: '' };
  return { messages, outcome: open === undefined ? 'whole' : 'partial', reason: '' };
}
