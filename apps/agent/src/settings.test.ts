import { parseSettings } from '@culvert/settings';
import { describe, expect, it } from 'vitest';
import { agentSchema, parseService } from './settings.ts';

const ID = '4d21094e-b74c-4916-86c1-d9fa36ea677b';
const parse = (text: string) => {
  return parseSettings(text, agentSchema, { file: '/srv/agent.yml', env: { SHOP_TOKEN: 'shop' } });
};
const withRules = (rules: string) =>
  parse(`tunnel: ${ID}\ntoken: t\nedges: ["127.0.0.1:7000"]\ningress:\n${rules}`);

describe('the settings of an agent', () => {
  it('are valid as the design shows them', () => {
    const settings = parse(`
tunnel: ${ID}
token: "\${SHOP_TOKEN}"
edges: ["127.0.0.1:7000", "127.0.0.1:7100"]
links: 4
ingress:
  - { hostname: api.example.com, path: /v2, service: "http://127.0.0.1:3001" }
  - { hostname: .example.com, service: "http://127.0.0.1:3000" }
  - { hostname: ssh.example.com, service: "tcp://127.0.0.1:22" }
  - { service: "http_status:404" }
`);
    expect(settings).toMatchObject({
      tunnel: ID,
      edges: [
        { scheme: 'tcp', host: '127.0.0.1', port: 7_000 },
        { scheme: 'tcp', host: '127.0.0.1', port: 7_100 },
      ],
      links: 4,
      ingress: [
        {
          hostname: 'api.example.com',
          path: '/v2',
          service: { kind: 'http', host: '127.0.0.1', port: 3_001 },
        },
        { hostname: '.example.com', service: { kind: 'http', port: 3_000 } },
        { hostname: 'ssh.example.com', service: { kind: 'tcp', port: 22 } },
        { service: { kind: 'status', status: 404 } },
      ],
    });
    expect(settings.token.reveal()).toBe('shop');
  });

  it('have valid defaults for all that may be left out', () => {
    expect(withRules('  - service: http://127.0.0.1:1')).toMatchObject({
      links: 4,
      claims: { hostnames: [], ports: [] },
      upstream: { connectTimeout: 5_000, firstByteTimeout: 60_000, keepAlive: 60_000, maxIdle: 1024 },
      drainTimeout: 30_000,
      log: { level: 'info' },
    });
  });

  it('need a last rule that takes the rest', () => {
    expect(() => withRules('  - { hostname: a.b, service: "http://x:1" }')).toThrow(
      '/srv/agent.yml:5: ingress.0: the last rule must take the rest',
    );
  });

  it('refuse rules that never apply', () => {
    expect(() => withRules('  - service: http://x:1\n  - service: http://y:1')).toThrow(
      '/srv/agent.yml:5: ingress.0: takes everything, so the rules after it never apply',
    );
  });
});

describe('parseService', () => {
  const parseAt = (text: string) => parseService(text, (path) => `/srv/${path}`);

  it.each([
    ['http://127.0.0.1:3000', { kind: 'http', host: '127.0.0.1', port: 3_000 }],
    ['http://app', { kind: 'http', host: 'app', port: 80 }],
    ['https://app/', { kind: 'https', host: 'app', port: 443 }],
    ['https://[::1]:8443', { kind: 'https', host: '::1', port: 8_443 }],
    ['h2c://app:50051', { kind: 'h2c', host: 'app', port: 50_051 }],
    ['tcp://db:5432', { kind: 'tcp', host: 'db', port: 5_432 }],
    ['unix:app.sock', { kind: 'unix', path: '/srv/app.sock' }],
    ['http_status:503', { kind: 'status', status: 503 }],
  ])('reads %s', (text, service) => {
    expect(parseAt(text)).toEqual(service);
  });

  it.each([
    'app:3000',
    'http://',
    'http://app/path',
    'http://user@app',
    'http://app:0',
    'tcp://db',
    'ftp://app',
    'unix:',
    `unix:${'a'.repeat(108)}`,
    'h2c://app/path',
    'http_status:99',
    'http_status:101',
    'http_status:abc',
  ])('refuses %s', (text) => {
    expect(parseAt(text)).toBeUndefined();
  });
});
