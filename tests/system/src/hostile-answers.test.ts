import { connect } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HOSTILE_ANSWERS } from './testing/hostile-answers.ts';
import type { HostileAnswer, Told } from './testing/hostile-answers.ts';
import { ask } from './testing/http-client.ts';
import { at, Installation, SHOP } from './testing/installation.ts';
import { RawService } from './testing/raw-service.ts';
import { WireClient } from './testing/wire-client.ts';

const TRUE_ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue';
const REQUEST = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: shop.test\r\n\r\n`;

/** Outcomes that no answer may have are told in words. */
type Outcome = Told | { readonly wrong: string };

let site: Installation;
let service: RawService;
/** To each edge: the agent is attached to the first, the second one relays. */
let sessions: readonly ClientHttp2Session[];
let edge: number;
let hostile: HostileAnswer;
/** Connections on which the hostile answer was given, and requests that came on one of them afterwards. */
let spoilt: WeakSet<Socket>;
let reuses: number;

function misbehave(socket: Socket): void {
  const { bytes, then } = hostile;
  socket.write(bytes, 'latin1', () => {
    if (then === 'end') socket.end();
    // What was written must get out before, or there would be nothing to cut.
    else if (then === 'abort') setImmediate(() => socket.resetAndDestroy());
  });
}

beforeAll(async () => {
  service = await RawService.start((head, socket) => {
    if (spoilt.has(socket)) reuses++;
    if (!head.startsWith('GET /hostile')) return void socket.write(TRUE_ANSWER);
    spoilt.add(socket);
    misbehave(socket);
  });
  site = await Installation.start({ edges: 2, routes: [{ hostname: 'shop.test', tunnel: SHOP }] });
  await site.attach({ ingress: [{ service: service.url }] });
  sessions = site.edges.map(({ http }) => connect(`http://${at(http)}`));
});
beforeEach(() => {
  spoilt = new WeakSet();
  reuses = 0;
});
afterAll(async () => {
  for (const session of sessions) session.destroy();
  await site.stop();
  await service.stop();
});

/** What a client of HTTP/1.1 that has asked twice on one connection has got, once both are over. */
async function overHttp1(): Promise<{ readonly told: Outcome; readonly all: string }> {
  const client = await WireClient.open(site.edge(edge).http);
  client.send(REQUEST('/hostile') + REQUEST('/true').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  await client.untilClosed();
  const all = client.text.replace(/^(?:HTTP\/1\.1 103 [^]*?\r\n\r\n)*/, '');
  const rest = all.endsWith('true') ? all.slice(0, all.lastIndexOf('HTTP/1.1 200 ')) : undefined;
  return { told: whatWasTold(rest, all), all };
}

/** @param rest the first answer, or undefined where the second one has not come */
function whatWasTold(rest: string | undefined, all: string): Outcome {
  if (rest === undefined) return all.endsWith('0\r\n\r\n') ? { wrong: 'ended' } : 'cut';
  const [head = '', body = ''] = rest.split('\r\n\r\n', 2);
  if (/\r\nX-Culvert-Error: upstream_(?:protocol|unreachable)(?:\r\n|$)/i.test(head))
    return refused(head.slice(9, 12));
  if (!/\r\nTransfer-Encoding: chunked/i.test(head)) return { whole: body };
  return { whole: /^[0-9a-f]+\r\n([^]*)\r\n0$/.exec(body)?.[1] ?? '' };
}

function refused(status: string): Outcome {
  return status === '502' ? 'refused' : { wrong: `refused with ${status}` };
}

function overHttp2(): Promise<{ readonly told: Outcome; readonly all: string }> {
  return new Promise((resolve) => {
    const stream = sessions[edge]!.request({ ':path': '/hostile', ':authority': 'shop.test' });
    let all = '';
    let status = '';
    let code: unknown;
    let ended = false;
    stream.setEncoding('latin1');
    stream.on('response', (head) => {
      status = String(head[':status']);
      code = head['x-culvert-error'];
    });
    stream.on('data', (piece: string) => void (all += piece));
    stream.on('end', () => void (ended = stream.rstCode === 0));
    stream.on('error', () => undefined);
    stream.on('close', () => {
      const told = code !== undefined ? refused(status) : ended ? { whole: all } : 'cut';
      resolve({ told, all });
    });
  });
}

function fits(told: Outcome, expected: Told): boolean {
  if (expected === 'cut') return told === 'cut' || told === 'refused';
  return JSON.stringify(told) === JSON.stringify(expected);
}

async function obeysTheLaw(): Promise<void> {
  for (const over of [overHttp1, overHttp2]) {
    const { told, all } = await over();
    expect(fits(told, hostile.told), `${over.name}: ${JSON.stringify(told)} ${all.slice(0, 300)}`).toBe(true);
    expect(all).not.toMatch(/forged/i);
    // Somebody else gets an answer of their own, on another connection.
    expect((await ask(site.edge(edge).http, 'shop.test', { path: '/true' })).text).toBe('true');
    expect(reuses).toBe(0);
  }
}

describe('a hostile answer is refused or cut, and nothing of it answers anybody else:', () => {
  describe.each([
    ['at the edge of its agent', 0],
    ['at another edge', 1],
  ])('%s:', (_where, index) => {
    it.each(Object.entries(HOSTILE_ANSWERS))('%s', { timeout: 120_000 }, async (_, answers) => {
      edge = index;
      for (hostile of answers) {
        try {
          await obeysTheLaw();
        } catch (error) {
          throw new Error(hostile.name, { cause: error });
        }
      }
    });
  });
});
