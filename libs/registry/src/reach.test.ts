import { expect, it } from 'vitest';
import { joinPattern, patternWithin, splitPattern } from './reach.ts';
import { routeId, routeKey } from './route-id.ts';

it.each(['example.com', '.example.com', '*.example.com'])(
  '%s is put together as it was taken apart',
  (pattern) => {
    expect(joinPattern(splitPattern(pattern))).toBe(pattern);
  },
);

it.each([
  ['a.test', 'a.test', true],
  ['a.test', '.a.test', true],
  ['a.test', '*.a.test', false],
  ['b.a.test', '*.a.test', true],
  ['*.a.test', '.a.test', true],
  ['.a.test', '*.a.test', false],
  ['.a.test', 'a.test', false],
  ['.b.a.test', '*.a.test', true],
  ['.b.a.test', '.a.test', true],
  ['ba.test', '.a.test', false],
  ['.test', '.a.test', false],
  ['anything', '*', true],
])('%s lies within %s: %s', (inner, outer, within) => {
  expect(patternWithin(inner, outer)).toBe(within);
});

it.each([{ port: 10_022 }, { hostname: '.example.com' }, { hostname: 'a.test', path: '~ ^/a|b?' }])(
  'the id of %j says where the route is stored, and fits into a URL as it is',
  (key) => {
    const id = routeId(key);
    expect(routeKey(id)).toEqual(key);
    expect(new URL(`http://x/${id}`).pathname).toBe(`/${id}`);
  },
);

it.each(['', ':', ':x', ':01', ':1.5'])('%j is no id of a route', (id) => {
  expect(routeKey(id)).toBeUndefined();
});
