import { expect, it } from 'vitest';
import { RedisAddressError, parseTarget } from './target.ts';

it.each([
  ['redis://127.0.0.1:6380/2', { host: '127.0.0.1', port: 6_380, db: 2 }],
  ['redis.example', { host: 'redis.example', port: 6_379, db: 0 }],
  ['redis://[::1]', { host: '::1', port: 6_379, db: 0 }],
  ['rediss://u:p%40@r', { host: 'r', port: 6_379, db: 0, username: 'u', password: 'p@', tls: {} }],
])('%s is one server', (address, options) => {
  expect(parseTarget(address)).toEqual({ kind: 'server', options });
});

it('a list is a cluster with the access of its first node', () => {
  expect(parseTarget(['redis://:secret@a:1', 'b:2'])).toEqual({
    kind: 'cluster',
    nodes: [
      { host: 'a', port: 1 },
      { host: 'b', port: 2 },
    ],
    options: { password: 'secret' },
  });
});

it('sentinels come with the name of what they watch', () => {
  const target = {
    sentinels: ['s1', 'redis://s2:26380'],
    name: 'main',
    password: 'secret',
    sentinelPassword: 'other',
  };
  const sentinels = [
    { host: 's1', port: 26_379 },
    { host: 's2', port: 26_380 },
  ];
  expect(parseTarget(target)).toEqual({
    kind: 'server',
    options: { sentinels, name: 'main', password: 'secret', sentinelPassword: 'other' },
  });
});

it.each(['http://a', '', 'redis://a/x', 'redis://a:99999'])('%j is refused', (address) => {
  expect(() => parseTarget(address)).toThrow(RedisAddressError);
});

it('a refused address does not show its password', () => {
  expect(() => parseTarget('http://me:s3cret@a')).toThrow(expect.not.stringContaining('s3cret') as Error);
});
