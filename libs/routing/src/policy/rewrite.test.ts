import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRewrite, compileStripPrefix, ExpressionError, RewriteError, routingPath } from '../index.ts';

describe('a rewrite', () => {
  it.each([
    ['^/v1/(.*)$', '/$1', '/v1/users/7', '/users/7'],
    ['^/v1/(.*)$', '/$1', '/v2/users', undefined],
    ['^/v1(/.*)?$', '$1', '/v1', '/'],
    ['^/v1', '/v2', '/v1/x', '/v2/x'],
    ['/b/', '/c/', '/a/b/d', '/a/c/d'],
    ['^/(\\w+)/(\\w+)$', '/$2/$1', '/a/b', '/b/a'],
    ['^/(a)|^/(b)$', '/x$2', '/b', '/xb'],
    ['^/price$', '/$$5', '/price', '/$5'],
    ['^/s/(.*)$', '/search?q=$1&x=1', '/s/tea', '/search?q=tea&x=1'],
    ['^/x$', '/café/%2F', '/x', '/caf%C3%A9/%2F'],
    ['^/x$', '/a"b', '/x', '/a%22b'],
  ])('from %s to %s makes of %s %s', (from, to, path, changed) => {
    expect(compileRewrite(from, to).apply(path)).toBe(changed);
  });

  it.each([
    ['/%76%31/x', '/x'],
    ['/a/../v1/x', '/x'],
    ['/v1/%2e%2e/x', undefined],
    ['/v1/a%2fb', '/a%2Fb'],
  ])('is not got around by another spelling of the path: %s', (path, changed) => {
    expect(compileRewrite('^/v1/(.*)$', '/$1').apply(path)).toBe(changed);
  });

  it('never makes a path that names another host', () => {
    expect(compileRewrite('^/v1(.*)$', '$1').apply('/v1//evil.test/x')).toBe('/evil.test/x');
    expect(compileRewrite('^/v1(.*)$', '$1').apply('/v1evil')).toBe('/evil');
    expect(compileRewrite('/b$', '/c').apply('//a/b')).toBe('//a/c');
  });

  it('keeps a group within one parameter of a query', () => {
    const changed = compileRewrite('^/s/(.*)$', '/s?q=$1').apply('/s/a&admin=1;b+c%zz');
    expect(changed).toBe('/s?q=a%26admin%3D1%3Bb%2Bc%25zz');
  });

  it.each([
    ['^/(.*)$', 'x', 'to'],
    ['^/(.*)$', '', 'to'],
    ['^/(.*)$', '?a', 'to'],
    ['^/(.*)$', '/$2', 'to'],
    ['^/.*$', '/$1', 'to'],
    ['^/(.*)$', '/a b', 'to'],
    ['^/(.*)$', '/a\r\nX: y', 'to'],
    ['^/(.*)$', '/a#b', 'to'],
    ['^/(.*)$', '/100%', 'to'],
  ])('from %j to %j is refused', (from, to, key) => {
    expect(() => compileRewrite(from, to)).toThrow(RewriteError);
    expect(() => compileRewrite(from, to)).toThrow(expect.objectContaining({ key }));
  });

  it.each(['', '(', '(a+)+', '(?:a|a)*', '(?:a|ab)+$', '(a+){2,9}', '(?<x>.|b)*', '((?:a+b))*'])(
    'with the expression %j is refused',
    (from) => {
      expect(() => compileRewrite(from, '/')).toThrow(ExpressionError);
    },
  );

  it('of any path is an origin-form target', () => {
    const path = fc.stringMatching(/^\/[!-"$->@-[\]-~]{0,40}$/);
    const rules = fc.constantFrom<[string, string]>(
      ['^/(.)(.*)$', '/$2?$1'],
      ['^/(.*)%(.*)$', '$1$2'],
      ['(.)/(.)', '/$2$1'],
      ['^', '/x'],
      ['.*', '/?$$'],
    );
    fc.assert(
      fc.property(path, rules, (raw, [from, to]) => {
        const changed = compileRewrite(from, to).apply(raw);
        if (changed === undefined) return;
        expect(changed).toMatch(/^\/[!-"$-~]*$/);
        expect(changed).not.toMatch(/%(?![\da-f]{2})/i);
        if (!routingPath(raw).startsWith('//')) expect(changed).not.toMatch(/^\/\//);
      }),
    );
  });
});

describe('a prefix that is taken away', () => {
  it.each([
    ['/v1', '/v1/x', '/x'],
    ['/v1/', '/v1/x', '/x'],
    ['/v1', '/v1', '/'],
    ['/v1', '/v1/', '/'],
    ['/v1', '/v10', undefined],
    ['/v1', '/x', undefined],
    ['/v1', '/v1//evil.test', '/evil.test'],
    ['/v1', '/%761/x', '/x'],
    ['/a/b', '/a/b/c', '/c'],
    ['/café', '/caf%c3%a9/x', '/x'],
  ])('%s of %s leaves %s', (prefix, path, rest) => {
    expect(compileStripPrefix(prefix).apply(path)).toBe(rest);
  });
});
