import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { acceptLink, INITIAL_WINDOW_BYTES, SocketCarrier, StreamMemory } from '@culvert/link';
import type { Admission, Link, LinkOwner, LinkStream } from '@culvert/link';
import { packUuid, PREFACE_BYTES, Protocol, type AgentHello, type EdgeAddress } from '@culvert/wire';
import { Answer } from './answer.ts';

export const TUNNEL = '4d21094e-b74c-4916-86c1-d9fa36ea677b';

export interface EdgeDoubleOptions {
  readonly id?: string;
  readonly region?: string;
  readonly edges?: readonly EdgeAddress[];
  readonly port?: number;
  /** Refuses, where it returns a go-away; absent: everybody is admitted. */
  readonly refuse?: (hello: AgentHello) => { code: number; text: string; retryAfterMs: number } | undefined;
}

/** What a stream is opened with in tests; times out of mind are the edge's. */
export interface OpenOptions {
  readonly body?: string;
  /** The request goes on after the opening frame. */
  readonly open?: boolean;
  readonly hostname?: string;
  readonly window?: number;
  readonly client?: string;
}

/** The edge's end of agents' links: admits, opens streams, notes what happens. */
export class EdgeDouble {
  readonly id: string;
  readonly hellos: AgentHello[] = [];
  /** Attached and not ended. */
  readonly links: Link[] = [];
  readonly goAways: { readonly code: number; readonly text: string }[] = [];
  readonly #options: EdgeDoubleOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #memory = new StreamMemory(1 << 26);

  private constructor(options: EdgeDoubleOptions) {
    this.#options = options;
    this.id = options.id ?? 'edge-a';
    this.#server = createServer((socket) => this.#onSocket(socket));
  }

  static async start(options: EdgeDoubleOptions = {}): Promise<EdgeDouble> {
    const edge = new EdgeDouble(options);
    await new Promise<void>((resolve) => edge.#server.listen(options.port ?? 0, '127.0.0.1', resolve));
    return edge;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get advertised(): EdgeAddress {
    return { id: this.id, region: this.#options.region ?? 'eu', address: this.address };
  }

  /** Opens a request on the first link. */
  request(head: string, options: OpenOptions = {}): Answer {
    return this.#open(Protocol.Http, head, options);
  }

  /** Opens a raw connection on the first link. */
  raw(options: OpenOptions = {}): Answer {
    return this.#open(Protocol.Tcp, '', { open: true, ...options });
  }

  /** Drops the connections and takes no new ones, as a killed process does. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #open(
    protocol: Protocol,
    head: string,
    { body = '', open = false, hostname, window, client = '192.0.2.1:1234' }: OpenOptions,
  ): Answer {
    const link = this.links.find((candidate) => candidate.available);
    if (link === undefined) throw new Error('no agent is attached');
    const answer = new Answer();
    const meta = {
      protocol,
      hops: 0,
      window: window ?? INITIAL_WINDOW_BYTES,
      tunnel: packUuid(TUNNEL),
      hostname: hostname ?? 'app.test',
      client,
      head,
    };
    this.#memory.add(meta.window);
    const bytes = Buffer.from(body, 'latin1');
    answer.stream = link.open(meta, answer, bytes, 0, bytes.length, !open);
    return answer;
  }

  #onSocket(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
    let first = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      first = Buffer.concat([first, chunk]);
      if (first.length < PREFACE_BYTES) return;
      socket.off('data', onData);
      socket.pause();
      this.#accept(new SocketCarrier(socket, first.subarray(PREFACE_BYTES)));
    };
    socket.on('data', onData);
  }

  #accept(carrier: SocketCarrier): void {
    acceptLink({
      carrier,
      memory: this.#memory,
      maxStreams: 10_000,
      window: INITIAL_WINDOW_BYTES,
      timeoutMs: 5_000,
      admit: async (hello) => this.#admit(hello as AgentHello),
      onRefused: () => undefined,
    });
  }

  #admit(hello: AgentHello): Admission {
    this.hellos.push(hello);
    const goAway = this.#options.refuse?.(hello);
    if (goAway !== undefined) return { admit: false, goAway };
    const welcome = {
      edge: this.id,
      region: this.#options.region ?? 'eu',
      session: 's1',
      software: 'double',
      window: INITIAL_WINDOW_BYTES,
      edges: this.#options.edges ?? [],
    };
    return { admit: true, welcome, attach: (link) => this.#attach(link) };
  }

  #attach(link: Link): LinkOwner {
    this.links.push(link);
    return {
      onOpen: (_stream: LinkStream) => 4,
      onGoAway: (goAway) => {
        this.goAways.push(goAway);
      },
      onControl: () => undefined,
      onClosed: () => {
        this.links.splice(this.links.indexOf(link), 1);
      },
    };
  }
}
