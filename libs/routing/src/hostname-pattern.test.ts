import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { candidatesOf, covers, HostnamePatternError, parseHostnamePattern, patternText } from './index.ts';

const labels = fc.array(fc.constantFrom('a', 'b', 'c-d', 'xn--bcher-kva'), { minLength: 1, maxLength: 4 });
const hostnames = labels.map((list) => list.join('.'));
const patterns = fc.tuple(fc.constantFrom('', '.', '*.'), hostnames).map((parts) => parts.join(''));

describe('a hostname pattern', () => {
  it.each([
    ['example.com', ['example.com'], ['a.example.com', 'com', 'xexample.com']],
    ['.example.com', ['example.com', 'a.example.com', 'b.a.example.com'], ['com', 'xexample.com']],
    [
      '*.example.com',
      ['a.example.com', 'b.a.example.com'],
      ['example.com', 'xexample.com', '.example.com'.slice(1)],
    ],
    ['*', ['a', 'a.b'], []],
  ])('%s', (text, inside, outside) => {
    const pattern = parseHostnamePattern(text);
    expect(inside.filter((hostname) => covers(pattern, hostname))).toEqual(inside);
    expect(outside.filter((hostname) => covers(pattern, hostname))).toEqual([]);
  });

  it('has one spelling', () => {
    expect(patternText(parseHostnamePattern('*.Bücher.Example.'))).toBe('*.xn--bcher-kva.example');
    expect(patternText(parseHostnamePattern('.A'))).toBe('.a');
    expect(patternText(parseHostnamePattern('*'))).toBe('*');
  });

  it.each(['', '.', '*.', '**.a', 'a.*', '*a', 'a.*.b', '..a', '. a'])('is not %j', (text) => {
    expect(() => parseHostnamePattern(text)).toThrow(HostnamePatternError);
  });

  it('is a candidate of exactly the hostnames it covers', () => {
    fc.assert(
      fc.property(patterns, hostnames, (text, hostname) => {
        expect(candidatesOf(hostname).includes(text)).toBe(covers(parseHostnamePattern(text), hostname));
      }),
    );
  });

  it('comes the earlier among the candidates the less it covers', () => {
    expect(candidatesOf('a.b.c')).toEqual(['a.b.c', '.a.b.c', '*.b.c', '.b.c', '*.c', '.c', '*']);
  });
});
