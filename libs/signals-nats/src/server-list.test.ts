import { expect, it } from 'vitest';
import { NatsAddressError, parseServers } from './server-list.ts';

it.each([
  ['nats://10.0.0.1:4223', { servers: ['10.0.0.1:4223'], tls: false }],
  ['nats.example', { servers: ['nats.example:4222'], tls: false }],
  ['nats://a:1, nats://b:2', { servers: ['a:1', 'b:2'], tls: false }],
  [['nats://a:1', 'tls://b:2'], { servers: ['a:1', 'b:2'], tls: true }],
  ['tls://[::1]:4222', { servers: ['[::1]:4222'], tls: true }],
  ['nats://me:s%40cret@a', { servers: ['a:4222'], tls: false, user: 'me', pass: 's@cret' }],
  ['nats://t0ken@a', { servers: ['a:4222'], tls: false, token: 't0ken' }],
])('%j is understood', (servers, parsed) => {
  expect(parseServers(servers)).toEqual(parsed);
});

it.each(['http://a:1', '', 'nats://', 'nats://a:99999', 'nats://u:p@a,nats://v:p@b'])(
  '%j is refused',
  (servers) => {
    expect(() => parseServers(servers)).toThrow(NatsAddressError);
  },
);

it('a refused address does not show its password', () => {
  expect(() => parseServers('http://me:s3cret@a')).toThrow(expect.not.stringContaining('s3cret') as Error);
});
