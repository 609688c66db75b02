import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers, parseHostnamePattern, RouteTable, RuleList } from './index.ts';

function table(...routes: readonly (readonly [hostname: string, path?: string])[]): RouteTable<string> {
  const built = new RouteTable<string>();
  for (const [hostname, path] of routes) built.add(hostname, path, `${hostname} ${path ?? ''}`.trim());
  return built;
}

describe('a route table', () => {
  it('lets the exact name decide before the longest wildcard', () => {
    const routes = table(['*'], ['.com'], ['*.example.com'], ['.example.com'], ['api.example.com']);
    expect(routes.match('api.example.com', '/')).toBe('api.example.com');
    expect(routes.match('b.example.com', '/')).toBe('*.example.com');
    expect(routes.match('c.b.example.com', '/')).toBe('*.example.com');
    expect(routes.match('example.com', '/')).toBe('.example.com');
    expect(routes.match('other.com', '/')).toBe('.com');
    expect(routes.match('localhost', '/')).toBe('*');
  });

  it('passes over a name none of whose paths fit', () => {
    const routes = table(['api.example.com', '/v1'], ['.example.com']);
    expect(routes.match('api.example.com', '/v1/x')).toBe('api.example.com /v1');
    expect(routes.match('api.example.com', '/v2')).toBe('.example.com');
    expect(table(['api.example.com', '/v1']).match('api.example.com', '/v2')).toBeUndefined();
  });

  it('knows hostnames however the route spelt them', () => {
    expect(table(['.BÜCHER.example.']).match('www.xn--bcher-kva.example', '/')).toBe('.BÜCHER.example.');
  });

  it('decides as the most specific covering pattern would', () => {
    const hostnames = fc
      .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 })
      .map((list) => list.join('.'));
    const patterns = fc.tuple(fc.constantFrom('', '.', '*.'), hostnames).map((parts) => parts.join(''));
    const rank = (pattern: string) => {
      const { reach, name } = parseHostnamePattern(pattern);
      return name.split('.').length * 3 + { name: 2, below: 1, tree: 0, any: 0 }[reach];
    };
    fc.assert(
      fc.property(fc.uniqueArray(patterns, { maxLength: 12 }), hostnames, (list, hostname) => {
        const covering = list.filter((pattern) => covers(parseHostnamePattern(pattern), hostname));
        const best = covering.toSorted((a, b) => rank(b) - rank(a))[0];
        const routes = table(...list.map((pattern) => [pattern] as const));
        expect(routes.match(hostname, '/')).toBe(best);
        expect(routes.routesOf(hostname).match('/')).toBe(best);
      }),
    );
  });
});

describe('a rule list', () => {
  const rules = new RuleList<string>();
  rules.add('api.example.com', '/v2', 'api');
  rules.add('.example.com', '~ \\.png$', 'images');
  rules.add('.example.com', undefined, 'site');
  rules.add('api.example.com', undefined, 'never');
  rules.add(undefined, undefined, 'rest');

  it.each([
    ['api.example.com', '/v2/x', 'api'],
    ['api.example.com', '/v3', 'site'],
    ['example.com', '/a.png', 'images'],
    ['x.example.com', undefined, 'site'],
    ['other.net', '/', 'rest'],
    ['', undefined, 'rest'],
  ])('lets the first rule that fits decide: %s %s', (hostname, path, decided) => {
    expect(rules.match(hostname, path)).toBe(decided);
  });

  it('decides nothing where no rule fits', () => {
    expect(new RuleList().match('a', '/')).toBeUndefined();
  });
});
