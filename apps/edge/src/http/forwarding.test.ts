import fc from 'fast-check';
import { parseRequestHead } from '@culvert/http1';
import { parseAddressRange } from '@culvert/settings';
import { describe, expect, it } from 'vitest';
import { forwardedHead } from './forwarded-head.ts';
import { Forwarding } from './forwarding.ts';
import type { ForwardingOptions } from './forwarding.ts';
import { TrustedProxies } from '../entry/trusted-proxies.ts';

const ranges = ['10.0.0.0/8', '192.0.2.7', '2001:db8::/32'].map((text) => parseAddressRange(text)!);
const trusted = new TrustedProxies(ranges);

function sent(peerAddress: string, fields: readonly string[], more: Partial<ForwardingOptions> = {}) {
  const forwarding = new Forwarding({
    trusted,
    headers: ['x-forwarded'],
    edge: 'eu-1',
    pseudonym: undefined,
    ...more,
  });
  const peer = { address: peerAddress, port: 5, localPort: 8080, trusted: trusted.has(peerAddress) };
  const head = parseRequestHead(['GET / HTTP/1.1', 'Host: App.test:81', ...fields, '', ''].join('\r\n'));
  const direct = forwarding.client(peer, 'http');
  const client = peer.trusted ? forwarding.clientBehind(direct, head) : direct;
  const lines = forwardedHead(head, client, 'id').split('\r\n');
  const values = (name: string) =>
    lines.flatMap((line) =>
      line.toLowerCase().startsWith(`${name}: `) ? [line.slice(name.length + 2)] : [],
    );
  const [text, xff, host, proto, port, realIp] = [
    client.text,
    ...['for', 'host', 'proto', 'port'].map((name) => values(`x-forwarded-${name}`).join('|')),
    values('x-real-ip').join('|'),
  ];
  return { text, xff, host, proto, port, realIp, forwarded: values('forwarded').join('|') };
}

const CLAIMS = [
  'X-Forwarded-For: 203.0.113.9',
  'X-Forwarded-Host: public.test',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Port: 444',
  'X-Real-IP: 203.0.113.8',
  'Forwarded: for=203.0.113.7;proto=https;host=other.test',
];

describe('a stranger', () => {
  it('is the client itself, whatever it claims', () => {
    expect(sent('198.51.100.1', CLAIMS)).toEqual({
      text: '198.51.100.1:5',
      xff: '198.51.100.1',
      host: 'App.test:81',
      proto: 'http',
      port: '8080',
      realIp: '198.51.100.1',
      forwarded: '',
    });
  });

  it('is never believed', () => {
    const value = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.constantFrom('https', 'evil.test', '1', 'for=10.0.0.1', '10.0.0.1, 10.0.0.2'),
    );
    const name = fc.constantFrom(
      ...['X-Forwarded-For', 'x_forwarded_for', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'X-Forwarded-Port'],
      ...['X-Forwarded-By', 'X-Real-IP', 'X_Real_IP', 'Forwarded'],
    );
    const claim = fc.tuple(name, value).map(([field, text]) => `${field}: ${text}`);
    const nominated = 'Connection: close, X-Forwarded-For, X-Real-IP, Forwarded';
    const nothing = sent('198.51.100.1', []);
    fc.assert(
      fc.property(fc.array(claim), (claims) => {
        expect(sent('198.51.100.1', [nominated, ...claims])).toEqual(nothing);
      }),
    );
  });
});

describe('a trusted proxy', () => {
  it('says who the client is and is itself the last hop', () => {
    expect(sent('10.0.0.1', CLAIMS)).toEqual({
      text: '203.0.113.9:0',
      xff: '203.0.113.9, 10.0.0.1',
      host: 'public.test',
      proto: 'https',
      port: '444',
      realIp: '203.0.113.9',
      forwarded: '',
    });
  });

  it('that says nothing is the client', () => {
    expect(sent('10.0.0.1', [])).toMatchObject({
      text: '10.0.0.1:5',
      xff: '10.0.0.1',
      port: '8080',
      proto: 'http',
    });
  });

  it.each([
    [
      'the first from the right that is not trusted',
      '1.1.1.1, 203.0.113.9, 10.9.9.9, 192.0.2.7',
      '203.0.113.9',
    ],
    ['the furthest where all are trusted', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['the last hop known before garbage', '203.0.113.9, garbage, 10.0.0.2', '10.0.0.2'],
    ['the proxy where there is nothing but garbage', 'garbage', '10.0.0.1'],
    ['trusted by range in IPv6 too', '203.0.113.9, 2001:db8::7', '203.0.113.9'],
  ])('names as the client %s', (_, xff, client) => {
    expect(sent('10.0.0.1', [`X-Forwarded-For: ${xff}`]).realIp).toBe(client);
  });

  it('is passed on with addresses only', () => {
    const fields = [
      'X-Forwarded-For: 1.1.1.1, <script>',
      'X-Forwarded-For: 203.0.113.9:1234,  [2001:db8::1]',
    ];
    expect(sent('10.0.0.1', fields).xff).toBe('203.0.113.9, 2001:db8::1, 10.0.0.1');
  });

  it.each([
    ['a host that is none', 'X-Forwarded-Host: a b', { host: 'App.test:81', proto: 'http', port: '8080' }],
    ['a protocol that is none', 'X-Forwarded-Proto: gopher', { proto: 'http', port: '8080' }],
    ['a port that is none', 'X-Forwarded-Port: 65536', { port: '8080' }],
    ['a list of hosts', 'X-Forwarded-Host: evil.test, public.test', { host: 'public.test', port: '80' }],
    ['HTTPS and no port', 'X-Forwarded-Proto: HTTPS', { proto: 'https', port: '81' }],
  ])('that names %s is believed as far as it makes sense', (_, field, expected) => {
    expect(sent('10.0.0.1', [field])).toMatchObject(expected);
  });

  it('is believed by RFC 7239 where it sends no X-Forwarded-For, and by X-Real-IP where it sends neither', () => {
    const forwarded = 'Forwarded: for=1.1.1.1, for="[2001:db9::1]:99";proto=https;host="public.test:444"';
    expect(sent('10.0.0.1', [forwarded, 'X-Real-IP: 203.0.113.8'])).toMatchObject({
      text: '[2001:db9::1]:99',
      xff: '1.1.1.1, 2001:db9::1, 10.0.0.1',
      host: 'public.test:444',
      proto: 'https',
      port: '444',
    });
    expect(sent('10.0.0.1', ['X-Real-IP: 203.0.113.8']).xff).toBe('203.0.113.8, 10.0.0.1');
  });
});

describe('Forwarded, by option', () => {
  const headers = ['forwarded'] as const;

  it('tells the one hop of a stranger instead of X-Forwarded-*', () => {
    expect(sent('2001:db9::1', CLAIMS, { headers })).toMatchObject({
      xff: '',
      host: '',
      proto: '',
      realIp: '',
      forwarded: 'for="[2001:db9::1]";by=_eu-1;proto=http;host="App.test:81"',
    });
  });

  it('tells all hops behind a trusted proxy, with what the proxy was asked for', () => {
    expect(
      sent('10.0.0.1', [...CLAIMS, 'X-Forwarded-For: 10.0.0.2'], { headers: ['x-forwarded', 'forwarded'] }),
    ).toMatchObject({
      xff: '203.0.113.9, 10.0.0.2, 10.0.0.1',
      forwarded:
        'for=203.0.113.9, for=10.0.0.2;proto=https;host="public.test", for=10.0.0.1;by=_eu-1;proto=http;host="App.test:81"',
    });
  });
});

it('a connection from before a change of the settings keeps the fields that it began with', () => {
  const common = { trusted, edge: 'eu-1', pseudonym: undefined };
  const before = new Forwarding({ ...common, headers: ['x-forwarded'] });
  const after = new Forwarding({ ...common, headers: ['x-forwarded', 'forwarded'] });
  const peer = { address: '10.0.0.1', port: 5, localPort: 8080, trusted: true };
  const head = parseRequestHead('GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n');
  const client = after.clientBehind(before.client(peer, 'http'), head);
  expect([client.address, client.forwardedStart]).toEqual(['203.0.113.9', undefined]);
});

it('a link-local peer with its zone is no reason to fail', () => {
  expect(trusted.has('fe80::1%eth0')).toBe(false);
  expect(new TrustedProxies([parseAddressRange('fe80::/10')!]).has('fe80::1%eth0')).toBe(true);
});
