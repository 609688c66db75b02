import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { INITIAL_WINDOW_BYTES, SocketCarrier, StreamMemory, dialLink } from '@culvert/link';
import type { Carrier, Link, LinkEnd, LinkOwner, LinkStream, StreamConsumer } from '@culvert/link';
import { eventually } from '@culvert/testkit';
import { Kind, decodeEdges } from '@culvert/wire';
import type { AgentHello, EdgeAddress, GoAway, ReadOpen, Welcome } from '@culvert/wire';
import { onTestFinished } from 'vitest';
import { TOKEN, TUNNEL } from './router-double.ts';
import { StreamDouble } from './stream-double.ts';

export interface AgentOptions extends Partial<AgentHello> {
  /** Instead of a TCP connection of its own. */
  readonly carrier?: Carrier;
  /** What it does with each stream; a number refuses it. Absent: it waits for the test. */
  readonly serve?: (stream: StreamDouble) => number | void;
}

/** An agent's end of one link, run by a test: it speaks the protocol and decides nothing by itself. */
export class AgentDouble implements LinkOwner {
  /** What it does with each stream, beyond noting it; a number refuses it. */
  serve: (stream: StreamDouble) => number | void;
  readonly hello: AgentHello;
  readonly streams: StreamDouble[] = [];
  readonly goAways: GoAway[] = [];
  edges: readonly EdgeAddress[] = [];
  end: LinkEnd | undefined;
  welcome: Welcome | undefined;
  #link: Link | undefined;
  #seen = 0;

  private constructor(options: AgentOptions) {
    const { carrier: _, serve = () => undefined, ...hello } = options;
    this.serve = serve;
    this.hello = {
      role: 'agent',
      tunnel: TUNNEL,
      token: TOKEN,
      agent: randomUUID(),
      generation: 1,
      software: 'double',
      window: INITIAL_WINDOW_BYTES,
      ...hello,
    };
  }

  /** Rejects as `dialLink` fails. */
  static async attach(port: number, options: AgentOptions = {}): Promise<AgentDouble> {
    const agent = new AgentDouble(options);
    const carrier = options.carrier ?? new SocketCarrier(connect({ host: '127.0.0.1', port, noDelay: true }));
    await new Promise<void>((resolve, reject) => {
      dialLink({
        carrier,
        hello: agent.hello,
        memory: new StreamMemory(1 << 28),
        maxStreams: 10_000,
        timeoutMs: 5_000,
        onAttached: (link, welcome) => {
          agent.#link = link;
          agent.welcome = welcome;
          agent.edges = welcome.body.edges;
          resolve();
          return agent;
        },
        onFailed: reject,
      });
    });
    onTestFinished(() => carrier.destroy());
    return agent;
  }

  get link(): Link {
    return this.#link!;
  }

  /** The next stream that the edge opens here, or has opened and nobody asked for yet. */
  async next(): Promise<StreamDouble> {
    const index = this.#seen++;
    return eventually(() => this.streams[index]);
  }

  onOpen(stream: LinkStream, open: ReadOpen): StreamConsumer | number {
    const double = new StreamDouble(stream, open);
    this.streams.push(double);
    return this.serve(double) ?? double;
  }

  onGoAway(goAway: GoAway): void {
    this.goAways.push(goAway);
  }

  onControl(kind: number, payload: Buffer): void {
    if (kind === Kind.Edges) this.edges = decodeEdges(payload);
  }

  onClosed(end: LinkEnd): void {
    this.end = end;
  }
}
