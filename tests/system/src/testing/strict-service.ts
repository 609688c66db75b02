import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createRequire } from 'node:module';

interface Parser {
  [event: number]: unknown;
  initialize(type: number, resource: object, maxHeaderSize: number, lenient: number): void;
  execute(bytes: Buffer): number | Error;
}
interface ParserClass {
  new (): Parser;
  readonly REQUEST: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
  readonly kLenientNone: number;
}
const { HTTPParser, methods } = createRequire(import.meta.url)('node:_http_common') as {
  HTTPParser: ParserClass;
  methods: readonly string[];
};

const MAX_HEAD = 1 << 20;
/** What a request may say of itself once at most, and what belongs to the hop in front. */
const ONCE = ['host', 'content-length', 'transfer-encoding', 'via', 'x-request-id', 'x-forwarded-for'];

/**
 * A service that reads its requests with llhttp, without any leniency: what it may not read, or what no longer is one
 * message one time, is a fault of those in front. Answers each request with what it has understood.
 */
export class StrictService {
  /** Whole requests: method, target and body. */
  requests: string[] = [];
  /** What should never have arrived, and why. */
  faults: string[] = [];
  /** Every byte that came. */
  bytes = '';
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => this.#read(socket));
  }

  static async start(): Promise<StrictService> {
    const service = new StrictService();
    await new Promise<void>((resolve) => service.#server.listen(0, '127.0.0.1', resolve));
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  forget(): void {
    this.requests = [];
    this.faults = [];
    this.bytes = '';
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #read(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
    const parser = this.#parser((request) => {
      this.requests.push(request);
      const body = Buffer.from(request, 'latin1');
      const head = `HTTP/1.1 200 OK\r\nContent-Length: ${request.startsWith('HEAD ') ? 0 : body.length}\r\n\r\n`;
      socket.write(head);
      if (!request.startsWith('HEAD ')) socket.write(body);
    });
    socket.on('data', (chunk: Buffer) => {
      this.bytes += chunk.toString('latin1');
      const read = parser.execute(chunk);
      if (!(read instanceof Error)) return;
      this.faults.push(`${read.message} in ${JSON.stringify(chunk.toString('latin1'))}`);
      socket.destroy();
    });
  }

  #parser(onRequest: (request: string) => void): Parser {
    const parser = new HTTPParser();
    let start = '';
    let body = '';
    // A head that comes in pieces is told in pieces.
    let path = '';
    let fields: string[] = [];
    parser.initialize(HTTPParser.REQUEST, {}, MAX_HEAD, HTTPParser.kLenientNone);
    parser[HTTPParser.kOnHeaders] = (more: readonly string[], url: string): void => {
      fields.push(...more);
      path += url;
    };
    parser[HTTPParser.kOnHeadersComplete] = (
      _major: number,
      _minor: number,
      more: readonly string[] | undefined,
      method: number,
      url: string | undefined,
      _status: number,
      _reason: string,
      upgrade: boolean,
    ): number => {
      fields.push(...(more ?? []));
      start = `${methods[method]} ${path}${url ?? ''}`;
      body = '';
      this.#check(start, fields, upgrade);
      return 0;
    };
    parser[HTTPParser.kOnBody] = (piece: Buffer): void => void (body += piece.toString('latin1'));
    parser[HTTPParser.kOnMessageComplete] = (): void => {
      // Trailers are told like a head, to the same ears.
      path = '';
      fields = [];
      onRequest(`${start} ${body}`);
    };
    return parser;
  }

  #check(start: string, fields: readonly string[], upgrade: boolean): void {
    const names = fields
      .filter((_, at) => at % 2 === 0)
      .map((name) => name.toLowerCase().replaceAll('_', '-'));
    const twice = ONCE.filter((name) => names.filter((other) => other === name).length > 1);
    if (twice.length > 0) this.faults.push(`${twice.join(', ')} more than once in ${start}`);
    if (!names.includes('host')) this.faults.push(`no Host in ${start}`);
    if (names.includes('content-length') && names.includes('transfer-encoding')) {
      this.faults.push(`two framings in ${start}`);
    }
    if (upgrade || names.includes('upgrade')) this.faults.push(`an upgrade in ${start}`);
  }
}
