import { describe, expect, it } from 'vitest';
import { hostnameOf } from './index.ts';

describe('the hostname of an authority', () => {
  it.each([
    ['App.Example.COM', 'app.example.com'],
    ['a.b.:80', 'a.b'],
    ['a_b-c.d', 'a_b-c.d'],
    ['127.0.0.1:8080', '127.0.0.1'],
    ['[2001:DB8::1]:443', '[2001:db8::1]'],
    ['[::1]', '[::1]'],
    [`${'a'.repeat(63)}.b`, `${'a'.repeat(63)}.b`],
  ])('%s is %s', (authority, hostname) => {
    expect(hostnameOf(authority)).toBe(hostname);
  });

  it.each([
    ...[
      '',
      '.',
      'a..b',
      '.a',
      'a:',
      'a:x',
      'a:1:2',
      'a:99999',
      'a:123456',
      'u@a',
      'a/b',
      'a,b',
      'a b',
      ' a',
      'a?',
      'a%41',
      'a\\b',
    ],
    ...['[::1', '::1', '[::1]x', '[::1]:', '[fe80::1%eth0]', '[1.2.3.4]', '[]', 'é.com', 'šx', '*.a', 'a\0'],
    ...[`${'a'.repeat(64)}.b`, `b.${'a'.repeat(64)}`, 'a.'.repeat(127) + 'aa'],
  ])('%j has none', (authority) => {
    expect(hostnameOf(authority)).toBeUndefined();
  });
});
