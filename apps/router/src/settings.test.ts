import { checkValue, parseSettings } from '@culvert/settings';
import { describe, expect, it } from 'vitest';
import { routerSchema, routeSchema } from './settings.ts';

const ID = '4d21094e-b74c-4916-86c1-d9fa36ea677b';
const env = { CULVERT_ADMIN_TOKEN: 'admin', SHOP_TOKEN: 'shop' };
const parse = (text: string) => parseSettings(text, routerSchema, { file: '/srv/router.yml', env });

describe('the settings of a router', () => {
  it('are valid as the design shows them', () => {
    const settings = parse(`
redis: redis://127.0.0.1:6379
nats: nats://127.0.0.1:4222
admin: { listen: 127.0.0.1:9090, token: "\${CULVERT_ADMIN_TOKEN}" }
tunnels:
  - { id: ${ID}, name: shop, token: "\${SHOP_TOKEN}" }
routes:
  - { hostname: .example.com, tunnel: ${ID} }
  - hostname: api.example.com
    path: /v1
    tunnel: ${ID}
  - { port: 10022, tunnel: ${ID} }
`);
    expect(settings).toMatchObject({
      redis: { kind: 'single', url: 'redis://127.0.0.1:6379' },
      nats: ['nats://127.0.0.1:4222'],
      prefix: 'culvert',
      tunnels: [{ id: ID, name: 'shop' }],
      routes: [
        { hostname: '.example.com', tunnel: ID },
        { hostname: 'api.example.com', path: '/v1', tunnel: ID },
        { port: 10_022, tunnel: ID },
      ],
    });
    expect(settings.tunnels[0]?.token.reveal()).toBe('shop');
  });

  it('say how to log in behind sentinels, where a replica is, and whom to trust', () => {
    const settings = parse(`
redis: { sentinels: [s1:26379], name: main, username: culvert, password: one, sentinelPassword: two }
redisReplica: rediss://replica:6380
redisTls: { ca: ca.pem }
natsTls: { ca: ca.pem, cert: me.pem, key: me.key }
`);
    expect(settings).toMatchObject({
      redis: { kind: 'sentinel', sentinels: ['s1:26379'], name: 'main', username: 'culvert' },
      redisReplica: 'rediss://replica:6380',
      redisTls: { ca: '/srv/ca.pem' },
      natsTls: { ca: '/srv/ca.pem', cert: '/srv/me.pem', key: '/srv/me.key' },
    });
    expect(() => parse('redisReplica: redis://replica')).toThrow(/redisReplica.*needs "redis"/s);
    expect(() => parse('natsTls: { cert: me.pem }')).toThrow(/natsTls.*needs both/s);
  });

  it('may all be left out: everything stays in memory then', () => {
    expect(parse('')).toEqual({
      prefix: 'culvert',
      tunnels: [],
      routes: [],
      tokens: [],
      reusePort: false,
      drainTimeout: 30_000,
      log: { level: 'info' },
    });
  });

  it('take Redis as one server, a cluster or a sentinel', () => {
    expect(parse('redis: [redis://a:1, redis://b:1]').redis).toEqual({
      kind: 'cluster',
      urls: ['redis://a:1', 'redis://b:1'],
    });
    expect(parse('redis: { sentinels: ["a:26379"], name: main }').redis).toEqual({
      kind: 'sentinel',
      sentinels: ['a:26379'],
      name: 'main',
    });
  });

  it('give tokens a scope', () => {
    const scope = 'tunnels: "*", hostnames: [.localhost, "*"], ports: ["1024-65535"]';
    expect(parse(`tokens: [{ name: dev, token: t, ${scope} }]`).tokens).toMatchObject([
      { name: 'dev', tunnels: '*', hostnames: ['.localhost', '*'], ports: [{ from: 1_024, to: 65_535 }] },
    ]);
    expect(parse(`tokens: [{ name: dev, token: t, tunnels: [${ID}] }]`).tokens[0]?.tunnels).toEqual([ID]);
    expect(() => parse('tokens: [{ name: dev, token: t }]')).toThrow('tokens.0.tunnels: is required');
  });

  it('pass TLS through by hostname, not by path or port', () => {
    const route = (keys: string) => parse(`routes: [{ ${keys}, tunnel: ${ID}, tls: passthrough }]`).routes[0];
    expect(route('hostname: own.example.com')).toMatchObject({ tls: 'passthrough' });
    const reason = 'routes.0.tls: needs "hostname" without "path"';
    expect(() => route('hostname: own.example.com, path: /v1')).toThrow(reason);
    expect(() => route('port: 443')).toThrow(reason);
  });

  it('refuse tunnels and tokens that share a token, without showing it', () => {
    const other = '5d21094e-b74c-4916-86c1-d9fa36ea677b';
    const text = `
tunnels: [{ id: ${ID}, name: a, token: hush }, { id: ${other}, name: b, token: hush }]
tokens: [{ name: c, token: hush, tunnels: '*' }]
`;
    const shared = (path: string) => `${path}: is the same as tunnels.0.token: every token must be another`;
    expect(() => parse(text)).toThrow(
      `/srv/router.yml:2: ${shared('tunnels.1.token')}\n/srv/router.yml:3: ${shared('tokens.0.token')}`,
    );
  });

  it('refuse tunnels that share an id or a name', () => {
    const tunnel = (token: string) => `{ id: ${ID}, name: shop, token: ${token} }`;
    expect(() => parse(`tunnels:\n  - ${tunnel('a')}\n  - ${tunnel('b')}`)).toThrow(
      `/srv/router.yml:3: tunnels.1.id: "${ID}" is already taken in this file\n` +
        '/srv/router.yml:3: tunnels.1.name: "shop" is already taken in this file',
    );
  });
});

describe('a route', () => {
  const check = (value: unknown) => checkValue(value, routeSchema(), 'body');

  it('has the same form in the body of a request', () => {
    expect(check({ hostname: 'A.example.com', tunnel: ID })).toEqual({
      hostname: 'a.example.com',
      tunnel: ID,
    });
    expect(() => check({ hostnme: 'a', tunnel: ID })).toThrow(
      'body:1: hostnme: unknown key; did you mean "hostname"?',
    );
  });

  it('is for a hostname or for a port, and paths are for hostnames', () => {
    expect(() => check({ tunnel: ID })).toThrow('needs either "hostname" or "port"');
    expect(() => check({ hostname: 'a', port: 1, tunnel: ID })).toThrow('needs either "hostname" or "port"');
    expect(() => check({ port: 1, path: '/a', tunnel: ID })).toThrow('path: needs "hostname"');
  });

  it('has no path whose expression could take for ever', () => {
    expect(() => check({ hostname: 'a', path: '~ ^/(a+)+$', tunnel: ID })).toThrow(
      'body:1: path: "~ ^/(a+)+$" is no path pattern: a repeated group repeats something itself',
    );
  });
});
