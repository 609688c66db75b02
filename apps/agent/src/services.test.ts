import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@culvert/testkit';
import { ResetCode } from '@culvert/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { attachAgent, get } from './testing/attached-agent.ts';
import { selfSigned } from './testing/certificate.ts';

const LOOPBACK = { host: '127.0.0.1', port: 0 };

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'culvert-agent-'));
  stops.push(() => rmSync(path, { recursive: true }));
  return path;
}

async function listening(server: Server, at: object): Promise<number> {
  await new Promise<void>((resolve) => server.listen(at, resolve));
  stops.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo | undefined)?.port ?? 0;
}

const sayName =
  (name: string): RequestListener =>
  (request, response) => {
    response.end(`${name} ${request.url}`);
  };

describe('the ingress', () => {
  it('leads by hostname and path to the first rule that fits', async () => {
    const a = await listening(createServer(sayName('a')), LOOPBACK);
    const b = await listening(createServer(sayName('b')), LOOPBACK);
    const { edge, stop } = await attachAgent([
      { hostname: 'api.test', path: '/v2', service: `http://127.0.0.1:${b}` },
      { hostname: 'api.test', service: 'tcp://127.0.0.1:1' },
      { hostname: '.test', service: `http://127.0.0.1:${a}` },
      { service: 'http_status:404' },
    ]);
    stops.push(stop);
    const ask = async (hostname: string, path: string): Promise<string> => {
      const answer = edge.request(get(path), { hostname });
      await eventually(() => answer.over);
      return answer.text.trim();
    };
    expect(await ask('api.test', '/v2/x?y')).toBe('b /v2/x?y');
    expect(await ask('api.test', '/v1')).toBe('a /v1');
    expect(await ask('deep.api.test', '/v2')).toBe('a /v2');
    expect(await ask('other.example', '/')).toBe('404 Not Found');
  });

  it('answers http_status by itself, and takes what the request brings', async () => {
    const { edge, stop } = await attachAgent('http_status:503');
    stops.push(stop);
    const head = 'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 200000\r\n\r\n';
    const answer = edge.request(head, { open: true });
    await eventually(() => answer.ended);
    expect(answer).toMatchObject({ status: 503, text: '503 Service Unavailable\n' });
    answer.send('x'.repeat(200_000), true);
    await eventually(() => answer.stream?.closed);
    const bodiless = edge.request('HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await eventually(() => bodiless.ended);
    expect(bodiless).toMatchObject({ status: 503, bytes: 0 });
  });
});

describe('a service', () => {
  it('on a Unix socket is reached', async () => {
    const path = join(folder(), 'app.sock');
    await listening(createServer(sayName('unix')), { path });
    const { edge, agent, stop } = await attachAgent(`unix:${path}`);
    stops.push(stop);
    for (let turn = 0; turn < 2; turn++) {
      const answer = edge.request(get('/x'));
      await eventually(() => answer.over);
      expect(answer.text).toBe('unix /x');
    }
    expect(agent.counters.upstreamConnects).toBe(1);
  });

  it('with a certificate that nobody vouches for is not delivered to', async () => {
    const { key, cert } = selfSigned();
    const server = createTlsServer({ key, cert }, sayName('tls'));
    const port = await listening(server, LOOPBACK);
    const { edge, stop } = await attachAgent(`https://127.0.0.1:${port}`);
    stops.push(stop);
    const answer = edge.request(get());
    await eventually(() => answer.over);
    expect(answer.reset).toEqual({ code: ResetCode.NotDelivered, text: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  });

  it('loses its unused connections after a while', async () => {
    const port = await listening(createServer(sayName('a')), LOOPBACK);
    const { edge, agent, stop } = await attachAgent(`http://127.0.0.1:${port}`, {
      upstream: { keepAlive: '200ms' },
    });
    stops.push(stop);
    const answer = edge.request(get());
    await eventually(() => answer.over && agent.counters.upstreamIdle === 1);
    await eventually(() => agent.counters.upstreamOpen === 0);
    expect(agent.counters.upstreamIdle).toBe(0);
  });

  it('keeps no more unused connections than it may', async () => {
    const waiting: (() => void)[] = [];
    const server = createServer((_request, response) => waiting.push(() => response.end('x')));
    const port = await listening(server, LOOPBACK);
    const { edge, agent, stop } = await attachAgent(`http://127.0.0.1:${port}`, { upstream: { maxIdle: 2 } });
    stops.push(stop);
    const answers = Array.from({ length: 5 }, () => edge.request(get()));
    await eventually(() => waiting.length === 5);
    for (const respond of waiting) respond();
    await eventually(() => answers.every((answer) => answer.over) && agent.counters.upstreamOpen === 2);
    expect(agent.counters.upstreamIdle).toBe(2);
  });
});
