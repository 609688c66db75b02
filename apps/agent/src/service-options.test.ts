import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createSecureServer, createServer as createPlainHttp2 } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@culvert/testkit';
import { ResetCode } from '@culvert/wire';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { RawService } from './testing/agent-kit.ts';
import { attachAgent, get, post } from './testing/attached-agent.ts';
import type { Answer } from './testing/answer.ts';
import { selfSigned } from './testing/certificate.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const folder = mkdtempSync(join(tmpdir(), 'culvert-agent-'));
afterAll(() => rmSync(folder, { recursive: true }));
const service = selfSigned();
const client = selfSigned();
function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}
const ca = file('ca.pem', service.cert);
const cert = file('client.pem', client.cert);
const key = file('client.key', client.key);

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

async function attach(rules: readonly object[], more: object = {}) {
  const attached = await attachAgent(rules, more);
  stops.push(attached.stop);
  return attached;
}

const over = (answer: { over: boolean }) => eventually(() => answer.over);
type TlsRequest = IncomingMessage & { socket: { servername?: string | false; authorized?: boolean } };

/** Says by which name it was asked for, and by whom. */
function tellsTls(request: TlsRequest, response: ServerResponse): void {
  const { servername, authorized } = request.socket;
  response.end(`${request.httpVersion} ${String(servername)} ${authorized === true ? 'known' : 'unknown'}`);
}

describe('a service of https://', () => {
  it('is verified by the authorities of its rule', async () => {
    const port = await listening(createTlsServer(service, tellsTls as never));
    const { edge } = await attach([{ service: `https://localhost:${port}`, tls: { ca } }]);
    const answer = edge.request(get());
    await over(answer);
    expect(answer.text).toBe('1.1 localhost unknown');
  });

  it('is asked for, and verified, by the name in its rule', async () => {
    const port = await listening(createTlsServer(service, tellsTls as never));
    const at = `https://127.0.0.1:${port}`;
    const { edge } = await attach([
      { hostname: 'right.test', service: at, tls: { ca, serverName: 'localhost' } },
      { service: at, tls: { ca, serverName: 'other.internal' } },
    ]);
    const right = edge.request(get(), { hostname: 'right.test' });
    const wrong = edge.request(get(), { hostname: 'wrong.test' });
    await eventually(() => right.over && wrong.over);
    expect(right.text).toBe('1.1 localhost unknown');
    expect(wrong.reset).toEqual({ code: ResetCode.NotDelivered, text: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  it('may be left unverified', async () => {
    const port = await listening(createTlsServer(service, tellsTls as never));
    const { edge } = await attach([{ service: `https://127.0.0.1:${port}`, tls: { verify: false } }]);
    const answer = edge.request(get());
    await over(answer);
    expect(answer.status).toBe(200);
  });

  it('may be asked for by the name in the request, on connections of that name alone', async () => {
    const server = createTlsServer(service, tellsTls as never);
    const port = await listening(server);
    const { edge, agent } = await attach([
      { service: `https://127.0.0.1:${port}`, tls: { verify: false, serverName: '{host}' } },
    ]);
    for (const hostname of ['a.test', 'b.test', 'a.test']) {
      const answer = edge.request(get(), { hostname });
      await over(answer);
      expect(answer.text).toBe(`1.1 ${hostname} unknown`);
    }
    expect(agent.counters).toMatchObject({ upstreamConnects: 2, upstreamIdle: 2 });
  });

  it('learns who the agent is, on connections that other rules do not share', async () => {
    const options = { ...service, ca: client.cert, requestCert: true, rejectUnauthorized: false };
    const port = await listening(createTlsServer(options, tellsTls as never));
    const at = `https://localhost:${port}`;
    const { edge } = await attach([
      { hostname: 'known.test', service: at, tls: { ca, cert, key } },
      { service: at, tls: { ca } },
    ]);
    for (const [hostname, who] of [
      ['known.test', 'known'],
      ['other.test', 'unknown'],
      ['known.test', 'known'],
    ] as const) {
      const answer = edge.request(get(), { hostname });
      await over(answer);
      expect(answer.text).toBe(`1.1 localhost ${who}`);
    }
  });

  it('that is too old for its rule is not delivered to', async () => {
    const port = await listening(createTlsServer({ ...service, maxVersion: 'TLSv1.2' }, tellsTls as never));
    const { edge } = await attach([{ service: `https://localhost:${port}`, tls: { ca, minVersion: '1.3' } }]);
    const answer = edge.request(get());
    await over(answer);
    expect(answer.reset?.code).toBe(ResetCode.NotDelivered);
  });

  it.each([
    ['cannot be read', { ca: '/nowhere/ca.pem' }, 'tls.ca: cannot use /nowhere/ca.pem: ENOENT'],
    ['is no certificate', { cert: key, key }, /tls\.cert: cannot use .*client\.key: ERR_OSSL/],
  ])('whose file %s keeps the agent from starting', async (_name, tls, message) => {
    await expect(attachAgent([{ service: 'https://localhost:1', tls }])).rejects.toThrow(message);
  });
});

describe('HTTP/2 in TLS', () => {
  const both = () => createSecureServer({ ...service, allowHTTP1: true }, tellsTls as never);

  it.each([
    ['is spoken where the rule says so', true, '2.0'],
    ['is not spoken where it says nothing', false, '1.1'],
    ['is spoken where the service agrees', 'auto', '2.0'],
  ])('%s', async (_name, http2, version) => {
    const port = await listening(both());
    const { edge } = await attach([{ service: `https://localhost:${port}`, http2, tls: { ca } }]);
    const first = edge.request(post('Content-Length: 4\r\n'), { body: 'body' });
    const more = Array.from({ length: 5 }, () => edge.request(get()));
    await eventually(() => first.over && more.every((answer) => answer.over));
    for (const answer of [first, ...more]) expect(answer.text).toBe(`${version} localhost unknown`);
  });

  it('gives way to HTTP/1.1 where the service knows nothing else, with nothing of a request lost', async () => {
    const server = createTlsServer(service, (request, response) => {
      request.pipe(response.writeHead(200, { 'x-version': request.httpVersion }));
    });
    const port = await listening(server);
    const { edge } = await attach([{ service: `https://localhost:${port}`, http2: 'auto', tls: { ca } }]);
    const answer = edge.request(post('Transfer-Encoding: chunked\r\n'), { open: true, body: 'one ' });
    answer.send('two', true);
    await over(answer);
    expect(answer.heads[0]).toContain('x-version: 1.1\r\n');
    expect(answer.text).toBe('one two');
  });

  it('that the service does not speak leaves requests undelivered', async () => {
    const port = await listening(createTlsServer(service, tellsTls as never));
    const { edge } = await attach([{ service: `https://localhost:${port}`, http2: true, tls: { ca } }]);
    const answer = edge.request(get());
    await over(answer);
    expect(answer.reset?.code).toBe(ResetCode.NotDelivered);
  });

  it('leaves requests undelivered where nobody vouches for the service', async () => {
    const port = await listening(both());
    const { edge } = await attach([{ service: `https://localhost:${port}`, http2: true }]);
    const answer = edge.request(get());
    await over(answer);
    expect(answer.reset).toEqual({ code: ResetCode.NotDelivered, text: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  });
});

describe('the Host of requests to a service', () => {
  it('is what its rule says', async () => {
    const port = await listening(createServer((request, response) => response.end(request.headers.host)));
    const at = `http://127.0.0.1:${port}`;
    const { edge } = await attach([
      { hostname: 'fixed.test', service: at, hostHeader: 'shop.internal:81' },
      { hostname: 'own.test', service: at, hostHeader: 'service' },
      { service: at },
    ]);
    for (const [hostname, host] of [
      ['fixed.test', 'shop.internal:81'],
      ['own.test', `127.0.0.1:${port}`],
      ['kept.test', 'app.test'],
    ] as const) {
      const answer = edge.request(get(), { hostname });
      await over(answer);
      expect(answer.text).toBe(host);
    }
  });
});

describe('redirects to the address of the service', () => {
  it.each([
    ['mapped', undefined, 'https://app.test/login'],
    ['passed', 'pass', '/login'],
    ['refused', 'refuse', undefined],
  ])('are %s', async (_name, redirects, location) => {
    const server = createServer((_request, response) => {
      const { port } = server.address() as AddressInfo;
      response.writeHead(302, { location: `http://localhost:${port}/login` }).end('moved');
    });
    const port = await listening(server);
    const { edge } = await attach([
      { service: `http://127.0.0.1:${port}`, ...(redirects === undefined ? {} : { redirects }) },
    ]);
    const answer = edge.request(get('/', 'X-Forwarded-Proto: https\r\nX-Forwarded-Host: app.test\r\n'));
    await over(answer);
    if (location === undefined) {
      expect(answer.reset?.code).toBe(ResetCode.UpstreamProtocol);
      expect(answer.heads).toEqual([]);
    } else {
      expect(answer.text).toBe('moved');
      expect(/^location: (?:http:\/\/localhost:\d+)?(.*)\r$/im.exec(answer.heads[0] ?? '')?.[1]).toBe(
        location,
      );
    }
  });
});

describe('a service that is told its clients by the PROXY protocol', () => {
  const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

  it('is told in front of the first request, on connections of one client alone', async () => {
    const raw = await RawService.start((socket, received) => {
      if (received.endsWith('\r\n\r\n')) socket.write(OK);
    });
    stops.push(() => raw.stop());
    const { edge } = await attach([{ service: `http://127.0.0.1:${raw.port}`, proxyProtocol: 'v1' }]);
    for (const from of ['192.0.2.1:1000', '[2001:db8::2]:2000', '192.0.2.1:1000', '192.0.2.1:1001']) {
      const answer = edge.request(get(), { client: from });
      await over(answer);
      expect(answer.text).toBe('ok');
    }
    const heads = raw.received.map((text) => text.split('\r\n')[0]);
    expect(heads).toEqual([
      `PROXY TCP4 192.0.2.1 0.0.0.0 1000 ${raw.port}`,
      `PROXY TCP6 2001:db8::2 :: 2000 ${raw.port}`,
      `PROXY TCP4 192.0.2.1 0.0.0.0 1001 ${raw.port}`,
    ]);
    expect(raw.received[0]?.match(/PROXY/g)).toHaveLength(1);
    expect(raw.received[0]?.match(/GET/g)).toHaveLength(2);
  });

  it('loses the connections of clients that do not come again to those of new ones', async () => {
    const raw = await RawService.start((socket, received) => {
      if (received.endsWith('\r\n\r\n')) socket.write(OK);
    });
    stops.push(() => raw.stop());
    const { edge, agent } = await attach([
      { service: `http://127.0.0.1:${raw.port}`, proxyProtocol: 'v1', maxIdle: 2 },
    ]);
    for (const port of [1, 2, 3, 3]) await over(edge.request(get(), { client: `192.0.2.1:${port}` }));
    await eventually(() => agent.counters.upstreamOpen === 2);
    expect(agent.counters).toMatchObject({ upstreamConnects: 3, upstreamIdle: 2 });
  });

  it('is told in front of raw bytes', async () => {
    const raw = await RawService.start();
    stops.push(() => raw.stop());
    const { edge } = await attach([{ service: `tcp://127.0.0.1:${raw.port}`, proxyProtocol: 'v2' }]);
    const stream = edge.raw({ client: '192.0.2.1:4660' });
    stream.send('hello');
    await eventually(() => raw.received[0]?.endsWith('hello'));
    const header = Buffer.from(raw.received[0] ?? '', 'latin1').subarray(0, 28);
    expect(header.toString('hex')).toMatch(/^0d0a0d0a000d0a515549540a2111000cc0000201000000001234/);
  });
});

describe('the times of a rule', () => {
  it('count in place of those of the agent', async () => {
    const port = await listening(createServer(() => undefined));
    const { edge } = await attach([{ service: `http://127.0.0.1:${port}`, firstByteTimeout: '200ms' }]);
    const answer = edge.request(get());
    await over(answer);
    expect(answer.reset?.code).toBe(ResetCode.UpstreamTimeout);
  });

  it('make connections of their own', async () => {
    const port = await listening(createServer((_request, response) => response.end('x')));
    const at = `http://127.0.0.1:${port}`;
    const { edge, agent } = await attach([
      { hostname: 'short.test', service: at, keepAlive: '200ms' },
      { service: at },
    ]);
    await over(edge.request(get(), { hostname: 'short.test' }));
    await over(edge.request(get(), { hostname: 'long.test' }));
    expect(agent.counters.upstreamConnects).toBe(2);
    await eventually(() => agent.counters.upstreamOpen === 1);
  });
});

describe('a service that is to have so many requests at a time', () => {
  /** Answers when a test says so. */
  const patient = () => {
    const waiting: ServerResponse[] = [];
    const answer = (_request: IncomingMessage, response: ServerResponse): void => void waiting.push(response);
    const release = (): void => waiting.splice(0).forEach((response) => void response.end('done'));
    return { waiting, answer, release };
  };

  it.each([
    ['HTTP/1.1', () => createServer(), 'http'],
    ['HTTP/2', () => createPlainHttp2(), 'h2c'],
  ] as const)(
    'over %s gets no more than that, and the next one once one is over',
    async (_name, make, scheme) => {
      const { waiting, answer, release } = patient();
      const server = make();
      server.on('request', answer as never);
      const port = await listening(server);
      const { edge } = await attach([{ service: `${scheme}://127.0.0.1:${port}`, maxRequests: 2 }]);
      const ask = () => [edge.request(post('Content-Length: 4\r\n'), { body: 'body' }), edge.request(get())];
      const refused = async (all: readonly Answer[]): Promise<unknown> => {
        await Promise.all(all.map(over));
        return all.map(({ reset }) => reset?.code);
      };
      // In one turn: the last two come before anybody has reached the service.
      const [first, beyond] = [ask(), ask()];
      expect(await refused(beyond)).toEqual([ResetCode.Busy, ResetCode.Busy]);
      await eventually(() => waiting.length === 2);
      expect(await refused(ask())).toEqual([ResetCode.Busy, ResetCode.Busy]);
      release();
      await Promise.all(first.map(over));
      expect(first.map(({ text }) => text)).toEqual(['done', 'done']);
      // A stream of HTTP/2 is closed a moment after its end has been passed on.
      const next = await eventually(async () => {
        const one = edge.request(get());
        await eventually(() => one.over || waiting.length === 1);
        return !one.over && one;
      });
      release();
      await over(next);
      expect(next.text).toBe('done');
    },
  );

  it('counts raw connections', async () => {
    const raw = await RawService.start();
    stops.push(() => raw.stop());
    const { edge } = await attach([{ service: `tcp://127.0.0.1:${raw.port}` }], {
      upstream: { maxRequests: 1 },
    });
    edge.raw();
    await eventually(() => raw.sockets.length === 1);
    const beyond = edge.raw();
    await over(beyond);
    expect(beyond.reset?.code).toBe(ResetCode.Busy);
  });
});
