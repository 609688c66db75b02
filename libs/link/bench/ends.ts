import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { PREFACE, Protocol, packUuid } from '@culvert/wire';
import type { OpenMeta } from '@culvert/wire';
import { SocketCarrier, acceptLink, dialLink } from '../src/index.ts';
import type { Link, LinkOwner, LinkStream, StreamConsumer, StreamMemory } from '../src/index.ts';

const TUNNEL = '4d21094e-b74c-4916-86c1-d9fa36ea677b';
const WINDOW = 65_536;
export const CHUNK = Buffer.alloc(65_536, 'x');
const NOTHING = Buffer.alloc(0);

/** Does nothing but what is given. */
export function consumer(parts: Partial<StreamConsumer>): StreamConsumer {
  const nothing = () => undefined;
  const none = { onAccept: nothing, onHead: nothing, onData: nothing, onTrailers: nothing, onEnd: nothing };
  return { ...none, onReset: nothing, onDrain: nothing, onUnacknowledged: nothing, ...parts };
}

function owner(onOpen: LinkOwner['onOpen']): LinkOwner {
  return { onOpen, onGoAway: () => undefined, onControl: () => undefined, onClosed: () => undefined };
}

/** Sends what it is asked for, as an agent with a fast service does: `hostname` is the number of bytes. */
function serve(stream: LinkStream, bytes: number): StreamConsumer {
  let left = bytes;
  const go = (): void => {
    let room = true;
    while (room && left > 0) {
      const size = Math.min(left, CHUNK.length);
      left -= size;
      room = stream.sendData(CHUNK, 0, size, left === 0);
    }
  };
  setImmediate(go);
  return consumer({ onDrain: go });
}

export async function listen(onSocket: (socket: Socket) => void): Promise<{ port: number; server: Server }> {
  const server = createServer({ noDelay: true }, onSocket);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, server };
}

/** The agent's end: dials, and serves the streams that are opened. */
export function startAgent(port: number, memory: StreamMemory): Promise<Link> {
  const socket = connect({ port, host: '127.0.0.1' });
  return new Promise((resolve, reject) => {
    socket.once('connect', () =>
      dialLink({
        carrier: new SocketCarrier(socket),
        hello: {
          role: 'agent',
          tunnel: TUNNEL,
          token: '',
          agent: 'bench',
          generation: 1,
          software: 'bench',
          window: WINDOW,
        },
        memory,
        maxStreams: 10_000,
        timeoutMs: 10_000,
        onAttached: (link) => {
          resolve(link);
          return owner((stream, open) => serve(stream, Number(open.hostname)));
        },
        onFailed: reject,
      }),
    );
  });
}

/** The edge's end: resolves with the first link that is attached. */
export async function startEdge(
  memory: StreamMemory,
): Promise<{ port: number; server: Server; link: Promise<Link> }> {
  let attached: (link: Link) => void;
  const link = new Promise<Link>((resolve) => (attached = resolve));
  const { port, server } = await listen((socket) =>
    acceptLink({
      carrier: new SocketCarrier(socket),
      preface: 'ahead',
      memory,
      maxStreams: 10_000,
      window: WINDOW,
      timeoutMs: 10_000,
      admit: async () => ({
        admit: true,
        welcome: {
          edge: 'e',
          region: 'r',
          session: 's',
          software: PREFACE.trim(),
          window: WINDOW,
          edges: [],
        },
        attach: (attachedLink) => {
          attached(attachedLink);
          return owner(() => 4);
        },
      }),
      onRefused: (reason) => process.stderr.write(`refused: ${reason}\n`),
    }),
  );
  return { port, server, link };
}

export interface Download {
  readonly stream: LinkStream;
  readonly ended: Promise<void>;
  readonly received: () => number;
}

/** Asks the agent for so many bytes; a stalled one takes none of them. */
export function download(
  link: Link,
  memory: StreamMemory,
  bytes: number,
  pace: 'taking' | 'stalled',
): Download {
  let received = 0;
  let end: () => void;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const meta: OpenMeta = {
    protocol: Protocol.Tcp,
    hops: 0,
    window: memory.grantFirst(link.roundTripMs),
    tunnel: packUuid(TUNNEL),
    hostname: `${bytes}`,
    client: '',
    head: '',
  };
  const stream: LinkStream = link.open(
    meta,
    consumer({
      onData: (_buffer, start, to) => {
        received += to - start;
        if (pace === 'taking') stream.taken(to - start);
      },
      onEnd: () => end(),
    }),
    NOTHING,
    0,
    0,
    true,
  );
  return { stream, ended, received: () => received };
}
