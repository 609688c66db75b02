import { randomUUID } from 'node:crypto';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MemoryRegistry } from '@culvert/registry';
import { MemorySignals } from '@culvert/signals';
import { silentLogger } from '@culvert/telemetry';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { Announcements } from '../announcements.ts';
import { digestOf } from '../digest.ts';
import { policyKeys } from '../policy-settings.ts';
import { session } from '../testing/router-kit.ts';
import { createApi } from './api.ts';

const TOKEN = 'admin-token';
let registry: MemoryRegistry;
let base: string;

beforeEach(async () => {
  registry = new MemoryRegistry();
  const announcements = new Announcements(new MemorySignals());
  const api = createApi({
    registry,
    announcements,
    logger: silentLogger,
    access: { token: TOKEN },
    now: () => 1_000,
  });
  const server = createServer((request, response) => {
    void api(request, response).then((answered) => {
      if (!answered) response.writeHead(404).end('elsewhere');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

async function call(method: string, path: string, body?: unknown, headers: object = {}): Promise<Answer> {
  const response = await fetch(`${base}${path}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const parsed = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
  return { status: response.status, headers: response.headers, body: parsed };
}

const codeOf = ({ body }: Answer): unknown => (body['error'] as { code: string }).code;

describe('access', () => {
  it.each(['', 'Bearer', 'Bearer wrong', `Basic ${TOKEN}`, `Bearer ${TOKEN}x`])(
    'with %j as authorization the answer is 401',
    async (authorization) => {
      const answer = await call('GET', '/api/v1/tunnels', undefined, { authorization });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      expect(codeOf(answer)).toBe('unauthorized');
    },
  );

  it('paths outside the API are left to others', async () => {
    const response = await fetch(`${base}/`);
    expect([response.status, await response.text()]).toEqual([404, 'elsewhere']);
  });

  it.each(['/api/v1', '/api/v1/nothing', '/api/v1/tunnels/a/b', '/api/v2/tunnels', '/api/v1/tunnels/'])(
    '%s does not exist',
    async (path) => {
      const answer = await call('GET', path);
      expect([answer.status, codeOf(answer)]).toEqual([404, 'not_found']);
    },
  );

  it.each([
    ['PUT', '/api/v1/tunnels', 'GET, POST'],
    ['POST', '/api/v1/tunnels/x', 'GET, DELETE'],
    ['DELETE', '/api/v1/edges', 'GET'],
  ])('%s %s is not allowed', async (method, path, allow) => {
    const answer = await call(method, path);
    expect([answer.status, codeOf(answer)]).toEqual([405, 'method_not_allowed']);
    expect(answer.headers.get('allow')).toBe(allow);
  });
});

describe('bodies', () => {
  it.each([
    ['text', 'text/plain', 415, 'unsupported_media_type'],
    ['{"name":', 'application/json', 400, 'bad_request'],
    ['', 'application/json', 400, 'bad_request'],
    ['[]', 'application/json', 422, 'invalid'],
    ['null', 'application/json', 422, 'invalid'],
    ['{}', 'application/json; charset=utf-8', 422, 'invalid'],
    ['{"name":"a","nmae":"b"}', 'application/json', 422, 'invalid'],
    ['{"name":"a","id":"no-uuid"}', 'application/json', 422, 'invalid'],
    [JSON.stringify({ name: 'a'.repeat(70_000) }), 'application/json', 413, 'too_large'],
  ])('%.40s as %s is refused with %i', async (body, type, status, code) => {
    const answer = await call('POST', '/api/v1/tunnels', body, { 'content-type': type });
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
    expect((await registry.tunnels({ limit: 1 })).items).toEqual([]);
  });

  it('a body that grows beyond the limit is cut off, whatever its announced length', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
      const request = httpRequest(`${base}/api/v1/tunnels`, { method: 'POST', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      onTestFinished(() => void request.destroy());
      request.on('error', reject);
      request.write('"');
      for (let at = 0; at < 10; at++) request.write('x'.repeat(10_000));
    });
    expect(status).toBe(413);
  });

  it('what is wrong is named by its key', async () => {
    const answer = await call('POST', '/api/v1/routes', { tunnel: 'x', hostname: 'a b' });
    expect(answer.status).toBe(422);
    expect((answer.body['error'] as { message: string }).message).toMatch(/hostname: .*tunnel: /s);
  });
});

describe('tunnels', () => {
  it('a tunnel without id and token gets both, and the token is shown in that answer only', async () => {
    const created = await call('POST', '/api/v1/tunnels', { name: 'shop' });
    expect(created.status).toBe(201);
    const { id, token } = created.body as { id: string; token: string };
    expect(created.headers.get('location')).toBe(`/api/v1/tunnels/${id}`);
    expect(token.length).toBeGreaterThanOrEqual(43);
    expect((await registry.token(digestOf(token).slice(0, 32)))?.tunnels).toEqual([id]);
    const shown = await call('GET', `/api/v1/tunnels/${id.toUpperCase()}`);
    expect(shown.body).toEqual({ id, name: 'shop', createdAt: '1970-01-01T00:00:01.000Z', source: 'api' });
    const listed = await call('GET', '/api/v1/tunnels');
    expect(listed.body).toEqual({ tunnels: [shown.body] });
  });

  it('a token that is given is never shown', async () => {
    const created = await call('POST', '/api/v1/tunnels', {
      id: randomUUID(),
      name: 'shop',
      token: 's3cret',
    });
    expect(created.status).toBe(201);
    expect(JSON.stringify(created.body)).not.toContain('s3cret');
    expect(await registry.token(digestOf('s3cret').slice(0, 32))).toBeDefined();
  });

  it('an id or a token that is taken is a conflict', async () => {
    const id = randomUUID();
    await call('POST', '/api/v1/tunnels', { id, name: 'shop', token: 'one' });
    expect(codeOf(await call('POST', '/api/v1/tunnels', { id, name: 'b', token: 'two' }))).toBe(
      'tunnel_exists',
    );
    expect(codeOf(await call('POST', '/api/v1/tunnels', { name: 'b', token: 'one' }))).toBe('token_exists');
  });

  it('a tunnel that is deleted is gone with its routes', async () => {
    const { id } = (await call('POST', '/api/v1/tunnels', { name: 'shop' })).body;
    await call('POST', '/api/v1/routes', { hostname: 'a.test', tunnel: id });
    expect((await call('DELETE', `/api/v1/tunnels/${String(id)}`)).status).toBe(204);
    expect((await call('DELETE', `/api/v1/tunnels/${String(id)}`)).status).toBe(404);
    expect((await call('GET', '/api/v1/routes')).body).toEqual({ routes: [] });
  });
});

describe('routes', () => {
  let tunnel: string;
  beforeEach(async () => {
    tunnel = (await call('POST', '/api/v1/tunnels', { name: 'shop' })).body['id'] as string;
  });

  it.each([
    [
      { hostname: 'API.Example.com', path: '/v1' },
      { hostname: 'api.example.com', path: '/v1' },
    ],
    [{ hostname: '.example.com' }, { hostname: '.example.com' }],
    [{ port: 10_022 }, { port: 10_022 }],
  ])('%j is created, shown and deleted', async (target, normal) => {
    const created = await call('POST', '/api/v1/routes', { ...target, tunnel });
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({ ...normal, tunnel, source: 'api' });
    const location = created.headers.get('location') ?? '';
    expect((await call('GET', location)).body).toEqual(created.body);
    expect((await call('GET', `/api/v1/routes/${String(created.body['id'])}`)).body).toEqual(created.body);
    expect((await call('DELETE', location)).status).toBe(204);
    expect((await call('GET', location)).status).toBe(404);
  });

  it('a route to a tunnel that does not exist is refused', async () => {
    const answer = await call('POST', '/api/v1/routes', { hostname: 'a.test', tunnel: randomUUID() });
    expect([answer.status, codeOf(answer)]).toEqual([422, 'unknown_tunnel']);
  });

  it('the policy of a route is kept as it was written', async () => {
    const policy = {
      rewrite: { from: '^/v1/(.*)$', to: '/$1' },
      requestHeaders: { set: { 'X-Client': '{client_ip}' }, remove: ['X-Debug'] },
      maxBody: '10MiB',
      bandwidth: { down: '1MiB' },
      timeouts: { firstByte: '5s' },
    };
    const created = await call('POST', '/api/v1/routes', {
      hostname: 'a.test',
      path: '/v1',
      tunnel,
      ...policy,
    });
    expect(created.body).toMatchObject(policy);
    const shown = await call('GET', created.headers.get('location') ?? '');
    const { id, source, ...body } = shown.body;
    expect(source).toBe('api');
    await call('DELETE', `/api/v1/routes/${String(id)}`);
    expect((await call('POST', '/api/v1/routes', body)).body).toEqual(shown.body);
  });

  it('a policy that makes no sense is refused by its key', async () => {
    const requestHeaders = { set: { 'X-Client': '{nobody}' } };
    const answer = await call('POST', '/api/v1/routes', { hostname: 'a.test', tunnel, requestHeaders });
    expect([answer.status, codeOf(answer)]).toEqual([422, 'invalid']);
    expect((answer.body['error'] as { message: string }).message).toMatch(
      /^requestHeaders\.set\.X-Client: unknown placeholder \{nobody\}/,
    );
    expect((await registry.routes({ limit: 1 })).items).toEqual([]);
  });

  it('every policy that a route can have is described', async () => {
    const { body } = await call('GET', '/api/v1/openapi.json');
    const { schemas } = body['components'] as { schemas: { Route: { properties: object } } };
    expect(Object.keys(schemas.Route.properties)).toEqual(expect.arrayContaining(Object.keys(policyKeys())));
  });

  it('a second route for the same hostname and path is a conflict', async () => {
    await call('POST', '/api/v1/routes', { hostname: 'a.test', tunnel });
    const answer = await call('POST', '/api/v1/routes', { hostname: 'a.test', tunnel });
    expect([answer.status, codeOf(answer)]).toEqual([409, 'route_exists']);
    expect((await call('POST', '/api/v1/routes', { hostname: 'a.test', path: '/b', tunnel })).status).toBe(
      201,
    );
  });

  it('lists come in pages', async () => {
    for (let at = 0; at < 7; at++) await call('POST', '/api/v1/routes', { hostname: `h${at}.test`, tunnel });
    const seen: unknown[] = [];
    let cursor: string | undefined = '';
    while (cursor !== undefined) {
      const { body } = await call('GET', `/api/v1/routes?limit=3&cursor=${cursor}`);
      seen.push(...(body['routes'] as unknown[]));
      cursor = body['cursor'] as string | undefined;
    }
    expect(seen).toHaveLength(7);
    expect(new Set(seen.map((route) => (route as { id: string }).id)).size).toBe(7);
  });

  it.each(['limit=0', 'limit=1001', 'limit=x', 'limit=-1', 'cursor=nonsense'])(
    '%s is refused',
    async (query) => {
      const answer = await call('GET', `/api/v1/routes?${query}`);
      expect([answer.status, codeOf(answer)]).toEqual([422, 'invalid_parameter']);
    },
  );
});

describe('tokens', () => {
  it('a token is created with its scope, shown once, and deleted', async () => {
    const scope = { name: 'people', tunnels: '*', hostnames: ['*.localhost'], ports: ['7000-7999', '8022'] };
    const created = await call('POST', '/api/v1/tokens', scope);
    expect(created.status).toBe(201);
    const { token, ...visible } = created.body as { token: string; id: string };
    expect(visible).toMatchObject({ ...scope, source: 'api' });
    expect((await call('GET', '/api/v1/tokens')).body).toEqual({ tokens: [visible] });
    expect((await registry.token(visible.id))?.digest).toBe(digestOf(token));
    expect((await call('DELETE', `/api/v1/tokens/${visible.id}`)).status).toBe(204);
    expect((await call('GET', `/api/v1/tokens/${visible.id}`)).status).toBe(404);
  });

  it('neither tokens nor their digests are listed', async () => {
    await call('POST', '/api/v1/tokens', { name: 'a', token: 's3cret', tunnels: [] });
    await registry.renewLease({
      id: 'eu-1',
      region: 'eu',
      boot: 'b1',
      draining: false,
      load: { sessions: 1, streams: 0, connections: 0 },
      warnings: [],
    });
    const digest = digestOf('s3cret');
    const sessions = [session({ digest })];
    await registry.applySessions({ edge: 'eu-1', boot: 'b1', seq: 1, mode: 'all', sessions });
    const shown = await Promise.all(['tokens', 'sessions'].map((list) => call('GET', `/api/v1/${list}`)));
    expect(shown[1]?.body['sessions']).toHaveLength(1);
    expect(JSON.stringify(shown)).not.toContain('s3cret');
    expect(JSON.stringify(shown)).not.toContain(digest);
  });
});

it('every path and method of the description exists', async () => {
  const { body } = await call('GET', '/api/v1/openapi.json');
  expect(body['openapi']).toBe('3.1.0');
  const paths = body['paths'] as Record<string, Record<string, unknown>>;
  for (const [path, methods] of Object.entries(paths)) {
    for (const method of Object.keys(methods).filter((key) => key !== 'parameters')) {
      const answer = await call(
        method.toUpperCase(),
        `/api/v1${path.replace('{id}', 'x')}`,
        method === 'post' ? {} : undefined,
      );
      expect(answer.status, `${method} ${path}`).not.toBe(405);
      if (!path.includes('{id}')) expect(answer.status, `${method} ${path}`).not.toBe(404);
    }
  }
});
