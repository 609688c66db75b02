import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePathPattern, PathPatternError, PathRules, routingPath } from './index.ts';

function rules(...paths: readonly (string | undefined)[]): PathRules<string> {
  const built = new PathRules<string>();
  for (const path of paths) built.add(path, path ?? 'rest');
  return built;
}

describe('the paths of a hostname', () => {
  it.each([
    ['/v1', '/v1'],
    ['/v1/', '/v1'],
    ['/v1/users', '/v1/users'],
    ['/v1/users/7', '/v1/users'],
    ['/v1/users7', '/v1'],
    ['/v10', 'rest'],
    ['/v1/exact', '= /v1/exact'],
    ['/v1/exact/', '/v1'],
    ['/dir', 'rest'],
    ['/dir/', '/dir/'],
    ['/dir/x', '/dir/'],
    ['/a7', '~ ^/a\\d'],
    ['/a7b', '~ ^/a\\d'],
    ['/', 'rest'],
    ['*', 'rest'],
  ])('%s is decided by %s', (path, decided) => {
    const built = rules(undefined, '/v1', '/v1/users', '= /v1/exact', '/dir/', '~ ^/a\\d', '~ ^/a\\d+b');
    expect(built.match(path)).toBe(decided);
  });

  it('match nothing when no rule fits', () => {
    expect(rules('/v1', '= /x', '~ ^/y').match('/z')).toBeUndefined();
    expect(rules().match('/')).toBeUndefined();
  });

  it('keep the first of equal rules, and "/" is the same as no path', () => {
    const built = new PathRules<number>();
    for (const [value, path] of ['/a', '/a', '= /b', '= /b', undefined, '/'].entries())
      built.add(path, value);
    expect([built.match('/a'), built.match('/b'), built.match('/c')]).toEqual([0, 2, 4]);
  });

  it('do not depend on the order in which exact paths and prefixes were added', () => {
    const all = ['/a', '/a/b', '/a/b/c', '= /a/b', '/'];
    fc.assert(
      fc.property(
        fc.shuffledSubarray(all, { minLength: all.length }),
        fc.constantFrom('/a', '/a/b', '/a/b/c/d', '/x'),
        (order, path) => {
          expect(rules(...order).match(path)).toBe(rules(...all).match(path));
        },
      ),
    );
  });

  it.each([
    ['/public/../admin', '/admin'],
    ['/public/%2e%2E/admin', '/admin'],
    ['/./admin/.', '/admin'],
    ['/%61dmin', '/admin'],
    ['/admin%2Fx', 'rest'],
    ['/caf%c3%a9', '/café'],
    ['/~u', '/%7Eu'],
    ['/public/..;/admin', '/public'],
  ])('are compared after dot segments and needless escapes are gone: %s', (path, decided) => {
    expect(rules('/admin', '/public', '/café', '/%7Eu', undefined).match(path)).toBe(decided);
  });

  it('give no regular expression an over-long path', () => {
    expect(rules('~ ^/(?:a)+$').match(`/${'a'.repeat(1_000)}`)).toBe('~ ^/(?:a)+$');
    expect(rules('~ ^/(?:a)+$').match(`/${'a'.repeat(2_000)}`)).toBeUndefined();
  });

  it.each([
    ...[
      '',
      'v1',
      '=',
      '= v1',
      '/a b',
      '/a?b',
      '/a#b',
      '~',
      '~ (',
      '~ ^/(a+)+$',
      '~ ^/((a*)b)*',
      '~ (?:x|y{2,}){3,}',
    ],
  ])('refuse %j', (path) => {
    expect(() => parsePathPattern(path)).toThrow(PathPatternError);
  });

  it.each(['~ ^/(a+)b$', '~ ^/(?:[a*]b)+$', '~ ^/(\\+x)*', '~ ^/a{1,3}(b{2})+', '~ ^/[^/]+/[(]x'])(
    'take %s',
    (path) => {
      expect(parsePathPattern(path).kind).toBe('regex');
    },
  );
});

describe('the path that is routed', () => {
  it.each([
    ['/a/b', '/a/b'],
    ['/', '/'],
    ['/..', '/'],
    ['/../../a', '/a'],
    ['/a/..', '/'],
    ['/a/../', '/'],
    ['/a/b/..', '/a/'],
    ['/.a/..b', '/.a/..b'],
    ['//a', '//a'],
    ['/a%2fb%zz%', '/a%2Fb%zz%'],
    ['/%7Ea%2Db%5f', '/~a-b_'],
    ['/%C3%A9%25', '/%C3%A9%25'],
    ['*', '*'],
  ])('of %s is %s', (path, routed) => {
    expect(routingPath(path)).toBe(routed);
  });

  it('undoes every escape of an unreserved character and no other', () => {
    for (let code = 0; code < 256; code += 1) {
      const char = String.fromCharCode(code);
      const escape = `%${code.toString(16).padStart(2, '0').toUpperCase()}`;
      // Letters around it, since a lone dot would be a segment to remove.
      expect(routingPath(`/x${escape.toLowerCase()}x`)).toBe(`/x${/[\w.~-]/.test(char) ? char : escape}x`);
    }
  });

  it('is routed to itself', () => {
    const pieces = fc.constantFrom('/', '.', '..', 'a', '%2e', '%2f', '%25', '%41', '%');
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
        const routed = routingPath(`/${parts.join('')}`);
        // An escape put together by undoing another, as %aA by that in %a%41, is not undone again.
        fc.pre(!/%(?![0-9a-f]{2})/i.test(parts.join('')));
        expect(routingPath(routed)).toBe(routed);
        expect(routed).toMatch(/^\//);
      }),
    );
  });
});
