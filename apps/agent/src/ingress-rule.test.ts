import { parseSettings } from '@culvert/settings';
import { describe, expect, it } from 'vitest';
import { agentSchema } from './settings.ts';

const parse = (rule: string) => {
  const text = `tunnel: 4d21094e-b74c-4916-86c1-d9fa36ea677b\ntoken: t\nedges: ["127.0.0.1:7000"]\ningress:\n  - ${rule}\n`;
  return parseSettings(text, agentSchema, { file: '/srv/agent.yml' }).ingress[0];
};

describe('a rule', () => {
  it('may say how its service wants to be spoken to', () => {
    const tls =
      '{ ca: ca.pem, verify: false, serverName: App.internal, cert: c.pem, key: k.pem, minVersion: "1.3" }';
    expect(
      parse(`{ service: "https://app:8443", http2: auto, hostHeader: app.internal, tls: ${tls} }`),
    ).toEqual({
      service: { kind: 'https', host: 'app', port: 8_443 },
      http2: 'auto',
      hostHeader: 'app.internal',
      tls: {
        ca: '/srv/ca.pem',
        verify: false,
        serverName: 'app.internal',
        cert: '/srv/c.pem',
        key: '/srv/k.pem',
        minVersion: '1.3',
      },
    });
    const times = 'connectTimeout: 1s, firstByteTimeout: 2m, keepAlive: 5s, maxIdle: 0';
    expect(parse(`{ service: "http://app", redirects: refuse, proxyProtocol: v2, ${times} }`)).toMatchObject({
      redirects: 'refuse',
      proxyProtocol: 'v2',
      connectTimeout: 1_000,
      firstByteTimeout: 120_000,
      keepAlive: 5_000,
      maxIdle: 0,
    });
    expect(parse('{ service: "unix:/run/app.sock", http2: true }')).toMatchObject({ http2: true });
  });

  it.each([
    ['{ service: "http://app", tls: {} }', 'tls: has no meaning for a service of http://'],
    ['{ service: "h2c://app", http2: true }', 'http2: has no meaning for a service of h2c://'],
    ['{ service: "tcp://app:1", hostHeader: a }', 'hostHeader: has no meaning for a service of tcp://'],
    [
      '{ service: "http_status:404", redirects: map }',
      'redirects: has no meaning for a service of http_status:',
    ],
    [
      '{ service: "https://app", proxyProtocol: v1 }',
      'proxyProtocol: has no meaning for a service of https://',
    ],
    ['{ service: "h2c://app", proxyProtocol: v1 }', 'proxyProtocol: has no meaning for a service of h2c://'],
    ['{ service: "unix:/a", http2: auto }', 'http2: "auto" is agreed on in TLS'],
    ['{ service: "unix:/a", http2: true, proxyProtocol: v1 }', 'proxyProtocol: one connection of HTTP/2'],
    ['{ service: "https://app", tls: { cert: a } }', 'tls: "cert" and "key" go together'],
    ['{ service: "https://app", http2: maybe }', 'http2: expected one of "auto", not "maybe"'],
    ['{ service: "https://app", tls: { serverName: "a b" } }', 'tls.serverName: expected a hostname'],
    ['{ service: "https://app", hostHeader: "a/b" }', 'hostHeader: expected a host'],
    ['{ service: "https://app", tls: { servername: a } }', 'unknown key; did you mean "serverName"?'],
  ])('%s is refused', (rule, message) => {
    expect(() => parse(rule)).toThrow(message);
  });
});
