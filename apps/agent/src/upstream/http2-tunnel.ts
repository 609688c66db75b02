import type { ClientHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { getField, type RequestHead, type ResponseHead } from '@culvert/http1';
import type { Deadlines } from '@culvert/lifecycle';
import type { LinkStream } from '@culvert/link';
import type { AgentCounters } from '../counters.ts';
import { switchingHead } from './answer-head.ts';
import { UpstreamConnection } from './connection.ts';
import { IDLE_MS } from './idle.ts';
import { RawRelay } from './raw-relay.ts';

const CANCEL = 0x8;
/** RFC 6455 §1.3. */
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export interface Tunnel {
  readonly stream: LinkStream;
  /** Its answer was read, and nothing of what follows. */
  readonly upstream: ClientHttp2Stream;
  readonly counters: AgentCounters;
  readonly deadlines: Deadlines;
  /** What the client has sent so far. */
  readonly early: readonly Buffer[];
  /** Whether the client has ended its direction. */
  readonly ended: boolean;
}

/** Bytes both ways between a link's stream and one of HTTP/2, as between a link's stream and a socket. */
export function relayTunnel({ stream, upstream, counters, deadlines, early, ended }: Tunnel): void {
  const relay = new RawRelay(stream, counters);
  const socket = Object.assign(upstream, { resetAndDestroy: () => upstream.close(CANCEL) });
  const connection = new UpstreamConnection({
    socket: socket as unknown as Socket,
    establishedBy: 'ready',
    connectTimeout: IDLE_MS,
    canReset: true,
    user: relay,
    home: { onEstablished: () => undefined, onGone: (gone) => deadlines.forget(gone) },
  });
  connection.established = true;
  deadlines.watch(connection);
  stream.consumer = relay;
  relay.begin(connection);
  for (const bytes of early) relay.onData(bytes, 0, bytes.length);
  if (ended) relay.onEnd();
}

/** What a WebSocket client of HTTP/1.1 expects, when its service has agreed over HTTP/2. */
export function webSocketHead(answer: ResponseHead, request: RequestHead): string {
  const key = getField(request.fields, 'sec-websocket-key') ?? '';
  const { createHash } = process.getBuiltinModule('node:crypto');
  const accept = createHash('sha1').update(`${key}${WEBSOCKET_GUID}`).digest('base64');
  const fields = `${answer.fields}Sec-WebSocket-Accept: ${accept}\r\n`;
  return switchingHead({ ...answer, reason: 'Switching Protocols', upgrade: 'websocket', fields });
}
