import { describe, expect, it } from 'vitest';
import { normaliseHostname } from './index.ts';

describe('a normalised hostname', () => {
  it.each([
    ['App.Example.COM', 'app.example.com'],
    ['example.com.', 'example.com'],
    ['example.com.:8080', 'example.com'],
    ['Bücher.example', 'xn--bcher-kva.example'],
    ['bücher.example:80', 'xn--bcher-kva.example'],
    ['_dmarc.a-b.c', '_dmarc.a-b.c'],
    ['127.0.0.1:80', '127.0.0.1'],
    ['[2001:DB8::1]:443', '[2001:db8::1]'],
    ['[::1]', '[::1]'],
  ])('of %s is %s', (text, hostname) => {
    expect(normaliseHostname(text)).toBe(hostname);
    expect(normaliseHostname(hostname)).toBe(hostname);
  });

  it.each([
    '',
    '.',
    'a..b',
    '.a',
    '-a',
    'a-',
    'a b',
    'a/b',
    'u@a',
    'a:x',
    '*.a',
    '::1',
    '[::1',
    '[x]',
    `${'a'.repeat(64)}.b`,
    'a.'.repeat(130),
  ])('does not exist for %j', (text) => {
    expect(normaliseHostname(text)).toBeUndefined();
  });
});
