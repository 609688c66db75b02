import { describe, expect, it } from 'vitest';
import { formatEdgeAddress, parseEdgeAddress } from './edge-address.ts';
import { parseHostnamePattern } from './hostname-pattern.ts';
import { parseHostPort, parseListenAddress } from './host-port.ts';

describe('parseListenAddress', () => {
  it.each([
    [':8080', { host: '', port: 8080 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['[::1]:8080', { host: '::1', port: 8080 }],
    ['Edge-1.example.com:7000', { host: 'edge-1.example.com', port: 7000 }],
  ])('reads %s', (text, address) => {
    expect(parseListenAddress(text)).toEqual(address);
  });

  it.each(['8080', ':65536', ':', '::1:8080', '[::1]', '[x]:1', '1.2.3:80', '1.2.3.400:80', 'a b:1', 'x:1/'])(
    'refuses %s',
    (text) => {
      expect(parseListenAddress(text)).toBeUndefined();
    },
  );
});

describe('parseHostPort', () => {
  it('needs a host and a port to connect to', () => {
    expect(parseHostPort('h:1')).toEqual({ host: 'h', port: 1 });
    expect([parseHostPort(':1'), parseHostPort('h:0')]).toEqual([undefined, undefined]);
  });
});

describe('parseEdgeAddress', () => {
  it.each([
    ['127.0.0.1:7000', 'tcp://127.0.0.1:7000'],
    ['127.9.9.9:7000', 'tcp://127.9.9.9:7000'],
    ['[::1]:7000', 'tcp://[::1]:7000'],
    ['localhost:7000', 'tcp://localhost:7000'],
    ['edge.localhost:7000', 'tcp://edge.localhost:7000'],
    ['10.0.0.1:7000', 'tls://10.0.0.1:7000'],
    ['edge.example.com:7000', 'tls://edge.example.com:7000'],
    ['localhost.example.com:7000', 'tls://localhost.example.com:7000'],
    ['[2001:db8::1]:7000', 'tls://[2001:db8::1]:7000'],
  ])('takes %s without a scheme as %s: plain on loopback, TLS anywhere else', (text, full) => {
    const address = parseEdgeAddress(text);
    expect(address && formatEdgeAddress(address)).toBe(full);
    expect(address?.clear).toBe(false);
  });

  it.each([
    ['tcp://edge.example.com:7000', true],
    ['ws://edge.example.com', true],
    ['tcp://127.0.0.1:7000', false],
    ['tls://127.0.0.1:7000', false],
    ['wss://edge.example.com', false],
  ])('knows whether %s sends in clear over a network: %s', (text, clear) => {
    expect(parseEdgeAddress(text)?.clear).toBe(clear);
  });

  it('reads WebSocket addresses with the usual ports and a path', () => {
    expect(parseEdgeAddress('wss://e.example.com')).toMatchObject({ scheme: 'wss', port: 443, path: '/' });
    expect(parseEdgeAddress('ws://e.example.com:81/link')).toMatchObject({
      scheme: 'ws',
      port: 81,
      path: '/link',
    });
  });

  it.each([
    'edge.example.com',
    'tls://edge',
    'http://e:1',
    'tcp://e:1/path',
    'tls://u:p@e:1',
    'e:0',
    '',
    'wss://',
  ])('refuses %s', (text) => {
    expect(parseEdgeAddress(text)).toBeUndefined();
  });
});

describe('parseHostnamePattern', () => {
  it.each([
    ['Example.COM', 'example.com'],
    ['example.com.', 'example.com'],
    ['.example.com', '.example.com'],
    ['*.example.com', '*.example.com'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['_acme.example.com', '_acme.example.com'],
  ])('reads %s as %s', (text, pattern) => {
    expect(parseHostnamePattern(text)).toBe(pattern);
  });

  it.each([
    '',
    '.',
    '*',
    '*.',
    'a..b',
    '-a.com',
    'a b',
    'a.*.com',
    'http://a',
    'a:80',
    `${'a'.repeat(64)}.com`,
  ])('refuses %s', (text) => {
    expect(parseHostnamePattern(text)).toBeUndefined();
  });
});
