import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { formatAddress } from '@culvert/lifecycle';
import { SocketCarrier, WebSocketCarrier, type Carrier } from '@culvert/link';
import { formatEdgeAddress, type EdgeAddress } from '@culvert/settings';
import { WEBSOCKET_PATH, WEBSOCKET_SUBPROTOCOL } from '@culvert/wire';

/** A connection that was not made within this time (ms) will not be. */
const CONNECT_TIMEOUT_MS = 10_000;

/** No connection to an edge: refused, unresolvable, not trusted or too slow. */
export class EdgeUnreachableError extends Error {
  readonly address: string;
  /** The system's or the TLS library's error code where there is one. */
  readonly code: string;

  constructor(address: EdgeAddress, cause: NodeJS.ErrnoException) {
    const code = cause.code ?? cause.message;
    super(`cannot connect to ${formatEdgeAddress(address)}: ${code}`, { cause });
    this.name = 'EdgeUnreachableError';
    this.address = formatEdgeAddress(address);
    this.code = code;
  }
}

class ConnectTimeoutError extends Error {
  override readonly name = 'ConnectTimeoutError';
  readonly code = 'ETIMEDOUT';
}

export interface EdgeTrust {
  /** Authorities that vouch for edges, PEM; absent: the system's. */
  readonly ca?: string;
}

export interface EdgeConnection {
  readonly carrier: Carrier;
  /** The address of this machine that it uses. */
  readonly localAddress: string;
}

/** Connects to an edge in the way that its address says. @throws EdgeUnreachableError */
export async function connectEdge(address: EdgeAddress, trust: EdgeTrust): Promise<EdgeConnection> {
  try {
    if (address.scheme === 'ws' || address.scheme === 'wss') return await connectWebSocket(address, trust);
    const socket = address.scheme === 'tcp' ? openPlain(address) : openTls(address, trust);
    await connected(socket, address.scheme === 'tcp' ? 'connect' : 'secureConnect');
    return { carrier: new SocketCarrier(socket), localAddress: localAddressOf(socket) };
  } catch (error) {
    throw new EdgeUnreachableError(address, error as NodeJS.ErrnoException);
  }
}

function openPlain({ host, port }: EdgeAddress): Socket {
  return connectPlain({ host, port, noDelay: true });
}

function openTls({ host, port }: EdgeAddress, trust: EdgeTrust): Socket {
  // Loaded by the first use: links on loopback do without its memory.
  const servername = isIP(host) === 0 ? { servername: host } : {};
  return process.getBuiltinModule('node:tls').connect({ host, port, ...trust, ...servername });
}

function connected(socket: Socket, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => socket.destroy(new ConnectTimeoutError(`no connection within ${CONNECT_TIMEOUT_MS} ms`)),
      CONNECT_TIMEOUT_MS,
    );
    const settled = (error?: Error): void => {
      clearTimeout(timer);
      socket.removeListener('error', settled);
      if (error === undefined) resolve();
      else reject(error);
    };
    socket.once(event, () => settled());
    socket.once('error', settled);
  });
}

/** Without the zone of a link-local one. */
function localAddressOf({ localAddress = '' }: Socket): string {
  return localAddress.split('%')[0]!;
}

async function connectWebSocket(address: EdgeAddress, trust: EdgeTrust): Promise<EdgeConnection> {
  const { WebSocket } = await import('ws');
  const path = address.path === '/' ? WEBSOCKET_PATH : address.path;
  const webSocket = new WebSocket(
    `${address.scheme}://${formatAddress(address)}${path}`,
    WEBSOCKET_SUBPROTOCOL,
    {
      ...trust,
      handshakeTimeout: CONNECT_TIMEOUT_MS,
      perMessageDeflate: false,
    },
  );
  return new Promise((resolve, reject) => {
    webSocket.once('error', reject);
    webSocket.once('upgrade', ({ socket }) => {
      webSocket.once('open', () => {
        const carrier = new WebSocketCarrier(webSocket, socket);
        resolve({ carrier, localAddress: localAddressOf(socket) });
      });
    });
  });
}
