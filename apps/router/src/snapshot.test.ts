import type { RouteRecord } from '@culvert/registry';
import { expect, it } from 'vitest';
import { fileItems } from './file-items.ts';
import { Recent } from './recent.ts';
import { Snapshot } from './snapshot.ts';
import { authentication, FILE, SHOP, SHOP_TOKEN } from './testing/router-kit.ts';

const route = (hostname: string): RouteRecord => ({
  route: { id: hostname, hostname, tunnel: SHOP },
  source: 'api',
});

it.each([
  [{ hostnames: ['a.test'], ports: false, all: false }, ['b.a.test', 'c.test']],
  [{ hostnames: ['.a.test'], ports: false, all: false }, ['c.test']],
  [{ hostnames: ['*.a.test'], ports: false, all: false }, ['a.test', 'c.test']],
  [{ hostnames: [], ports: true, all: true }, []],
])('after the change %j it still knows %j', async (change, left) => {
  const snapshot = new Snapshot();
  for (const hostname of ['a.test', 'b.a.test', 'c.test']) snapshot.noteRoutes(hostname, [route(hostname)]);
  snapshot.routesChanged(change);
  const known: string[] = [];
  for (const hostname of ['a.test', 'b.a.test', 'c.test']) {
    if ((await snapshot.routesFor(hostname)) !== undefined) known.push(hostname);
  }
  expect(known).toEqual(left);
});

it('a name that does not exist is not known, rather than known not to exist', async () => {
  const snapshot = new Snapshot();
  snapshot.noteRoutes('missing.test', []);
  expect(await snapshot.routesFor('missing.test')).toBeUndefined();
});

it('it knows the file from the start, and forgets what was revoked since it was seen', async () => {
  const snapshot = new Snapshot();
  const items = fileItems(FILE, 1);
  await snapshot.load(items);
  const { digest } = authentication(SHOP_TOKEN, SHOP);
  expect((await snapshot.token(digest.slice(0, 32)))?.digest).toBe(digest);
  expect((await snapshot.routesFor('x.example.com'))?.map(({ route: { tunnel } }) => tunnel)).toEqual([SHOP]);

  const seen = { ...items.tokens[0]!, id: 'ab'.repeat(16), digest: 'ab'.repeat(32) };
  snapshot.noteToken(seen);
  expect(await snapshot.token(seen.id)).toEqual(seen);
  snapshot.revoked({ tunnel: SHOP, digest: seen.digest });
  expect(await snapshot.token(seen.id)).toBeUndefined();
});

it('only the values noted last are kept, and noting again counts', () => {
  const recent = new Recent<number>(2);
  recent.note('a', 1);
  recent.note('b', 2);
  recent.note('a', 3);
  recent.note('c', 4);
  expect([recent.get('a'), recent.get('b'), recent.get('c')]).toEqual([3, undefined, 4]);
});
