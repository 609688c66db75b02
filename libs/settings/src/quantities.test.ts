import { describe, expect, it } from 'vitest';
import { parseDuration, parseSize } from './quantities.ts';
import { parsePathRule, parsePortRange } from './rules.ts';

describe('parseDuration', () => {
  it.each([
    ['0s', 0],
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5s', 1_500],
    ['2m', 120_000],
    ['1h', 3_600_000],
  ])('reads %s as %i ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['30', 's', '-1s', '1 s', '1d', '1h30m', '25000000m', ''])('refuses %s', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe('parseSize', () => {
  it.each([
    ['512B', 512],
    ['16k', 16_384],
    ['64KiB', 65_536],
    ['64kB', 65_536],
    ['1MiB', 1_048_576],
    ['1.5M', 1_572_864],
    ['2GiB', 2_147_483_648],
  ])('reads %s as %i bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(['64', 'k', '1m', '1KB!', '-1k', '1T', '99999999999G'])('refuses %s', (text) => {
    expect(parseSize(text)).toBeUndefined();
  });
});

describe('parsePortRange', () => {
  it('reads one port or a range', () => {
    expect(parsePortRange('22')).toEqual({ from: 22, to: 22 });
    expect(parsePortRange('1024-65535')).toEqual({ from: 1_024, to: 65_535 });
  });

  it.each(['0', '5-4', '1-65536', 'a', '1-', ''])('refuses %s', (text) => {
    expect(parsePortRange(text)).toBeUndefined();
  });
});

describe('parsePathRule', () => {
  it.each([
    ['/v1', '/v1'],
    ['= /exact', '= /exact'],
    ['=/exact', '= /exact'],
    ['~ ^/a+$', '~ ^/a+$'],
  ])('reads %s as %s', (text, rule) => {
    expect(parsePathRule(text)).toBe(rule);
  });

  it.each(['v1', '', '/a b', '/a?b', '= v1', '~ (', '~'])('refuses %s', (text) => {
    expect(parsePathRule(text)).toBeUndefined();
  });
});
