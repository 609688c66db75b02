import { parseSettings } from '@culvert/settings';
import { describe, expect, it } from 'vitest';
import { edgeSchema } from './settings.ts';

const parse = (text: string) =>
  parseSettings(text, edgeSchema, { file: '/srv/edge.yml', env: { SECRET: 's' } });

describe('the settings of an edge', () => {
  it('are valid as the design shows them', () => {
    const settings = parse(`
id: eu-1
region: eu
nats: nats://127.0.0.1:4222
secret: "\${SECRET}"
entryPoints:
  - { listen: ":8080" }
  - { listen: ":8443" }
agents: { listen: ":7000", advertise: "127.0.0.1:7000" }
peers: { listen: ":7001", advertise: 127.0.0.1:7001 }
admin: { listen: 127.0.0.1:9091 }
`);
    expect(settings).toMatchObject({
      id: 'eu-1',
      region: 'eu',
      nats: ['nats://127.0.0.1:4222'],
      entryPoints: [{ listen: { host: '', port: 8080 } }, { listen: { host: '', port: 8443 } }],
      agents: { listen: { host: '', port: 7000 }, advertise: '127.0.0.1:7000' },
      peers: { listen: { host: '', port: 7001 }, advertise: '127.0.0.1:7001' },
      admin: { listen: { host: '127.0.0.1', port: 9091 } },
    });
    expect(settings.secret?.reveal()).toBe('s');
  });

  it('have valid defaults for all that may be left out', () => {
    const settings = parse('id: a\nentryPoints: [{ listen: ":80" }]\nagents: {}');
    expect(settings).toMatchObject({
      region: 'default',
      prefix: 'culvert',
      drainTimeout: 30_000,
      drainDelay: 2_000,
      limits: { connections: 50_000, connectionsPerAddress: 4_096, headerSize: 32_768, buffer: 268_435_456 },
      timeouts: { sniff: 5_000, head: 15_000, idle: 75_000 },
      log: { level: 'info' },
      agents: { listen: { host: '', port: 7_000 } },
    });
  });

  it('believe nobody about the client unless told to, and say who is meant by address or network', () => {
    const minimal = 'id: a\nentryPoints: [{ listen: ":80" }]';
    expect(parse(minimal)).toMatchObject({
      trustedProxies: [],
      forwardedHeaders: ['x-forwarded'],
      entryPoints: [{ proxyProtocol: 'accept' }],
      portRoutes: { proxyProtocol: 'off' },
    });
    expect(parse(`${minimal}\ntrustedProxies: [10.0.0.0/8, "::1"]`).trustedProxies).toEqual([
      { address: '10.0.0.0', prefix: 8 },
      { address: '::1', prefix: 128 },
    ]);
    expect(() => parse(`${minimal}\ntrustedProxies: [10.0.0.0/33]`)).toThrow(
      '/srv/edge.yml:3: trustedProxies.0: expected an address such as',
    );
  });

  it('name certificates by paths relative to the file', () => {
    const tls = 'tls: { certificates: [{ cert: a.pem, key: a.key }] }';
    const settings = parse(`id: a\nentryPoints: [{ listen: ":80" }]\nagents: { listen: ":7000", ${tls} }`);
    expect(settings.agents?.tls?.certificates).toEqual([{ cert: '/srv/a.pem', key: '/srv/a.key' }]);
  });

  it('need a secret where other edges may come in', () => {
    expect(() => parse('id: a\nentryPoints: [{ listen: ":80" }]\npeers: { listen: ":7001" }')).toThrow(
      '/srv/edge.yml:3: peers: needs "secret"',
    );
  });

  it('need certificates of both sides where those are the proof, and then no secret', () => {
    const file = (peers: string) => `id: a\nentryPoints: [{ listen: ":80" }]\npeers: ${peers}`;
    expect(() => parse(file('{ mutualTls: true }'))).toThrow('/srv/edge.yml:3: peers.mutualTls: needs "tls"');
    const tls = 'tls: { certificates: [{ cert: a.pem, key: a.key }] }';
    expect(() => parse(file(`{ mutualTls: true, ${tls} }`))).toThrow('peers.mutualTls: needs');
    expect(parse(file(`{ mutualTls: true, ${tls}, ca: ca.pem }`)).peers?.mutualTls).toBe(true);
  });

  it('allow no head that a link would not carry', () => {
    const file = (size: string) => `id: a\nentryPoints: [{ listen: ":80" }]\nlimits: { headerSize: ${size} }`;
    expect(parse(file('96KiB')).limits.headerSize).toBe(98_304);
    expect(() => parse(file('97KiB'))).toThrow(
      '/srv/edge.yml:3: limits.headerSize: is more than a link carries',
    );
  });

  describe('of several workers', () => {
    const file = (keys: string) => `id: a\nsecret: s\nworkers: 3\n${keys}`;
    const nats = 'nats: nats://127.0.0.1:4222\n';
    const entry = 'entryPoints: [{ listen: ":80" }]\n';

    it('need the bus that workers tell each other by what they hold', () => {
      expect(() => parse(file(entry))).toThrow('/srv/edge.yml:3: workers: needs "nats"');
      expect(parse(file(`${nats}${entry}`)).workers).toBe(3);
    });

    it('name the ports that workers share', () => {
      expect(() =>
        parse(file(`${nats}entryPoints: [{ listen: ":0" }]\nagents: { listen: "127.0.0.1:0" }`)),
      ).toThrow(/5: entryPoints\.0\.listen: each worker .*\n.*6: agents\.listen: each worker/);
    });

    it('leave room for one port for peers a worker', () => {
      const peers = (listen: string, more = '') =>
        parse(file(`${nats}${entry}peers: { listen: "${listen}" }\n${more}`));
      expect(peers(':65533').peers?.listen.port).toBe(65_533);
      expect(() => peers(':65534')).toThrow(
        '6: peers.listen: the workers take the ports 65534 to 65536: there are none above 65535',
      );
      expect(() => peers(':78')).toThrow('the workers take the ports 78 to 80: ":80" is among them');
      const admin = 'admin: { listen: "127.0.0.1:7003" }';
      expect(() => peers('127.0.0.1:7001', admin)).toThrow('"127.0.0.1:7003" is among them');
      expect(peers('127.0.0.2:7001', admin).workers).toBe(3);
    });
  });

  it('need an entry point', () => {
    expect(() => parse('id: a\nentryPoints: []')).toThrow(
      '/srv/edge.yml:2: entryPoints: needs at least one entry',
    );
  });
});
