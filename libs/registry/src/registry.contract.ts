import { randomUUID } from 'node:crypto';
import type { EdgeInfo, SessionInfo, SessionsMessage } from '@culvert/signals';
import { eventually } from '@culvert/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tokenId } from './records.ts';
import type { PolicyRoute, RouteRecord, TokenRecord, TunnelRecord } from './records.ts';
import { BadCursorError } from './registry.ts';
import type { Listed, Page, Registry, RegistryTimes } from './registry.ts';
import { routeId } from './route-id.ts';

const TIMES: RegistryTimes = { leaseTtl: 400, claimGrace: 300 };

/** Runs the laws of `Registry`. `open` makes an empty registry; two calls in one test may give the same content. */
export function registryContract(name: string, open: (times: RegistryTimes) => Promise<Registry>): void {
  describe(`${name} as a registry`, () => {
    let registry: Registry;
    beforeEach(async () => void (registry = await open(TIMES)));
    afterEach(() => registry.close());

    it('is connected, and its epoch stays the same', async () => {
      expect(registry.state).toBe('connected');
      const epoch = await registry.epoch();
      expect(epoch).not.toBe('');
      expect(await registry.epoch()).toBe(epoch);
    });

    describe('tunnels and tokens', () => {
      it('a tunnel is found as it was stored, and replaced by a later one', async () => {
        const shop = tunnel({ name: 'shop "№1"' });
        await registry.putTunnel(shop);
        expect(await registry.tunnel(shop.id)).toEqual(shop);
        const renamed = { ...shop, name: 'store', source: 'file' as const };
        await registry.putTunnel(renamed);
        expect(await registry.tunnel(shop.id)).toEqual(renamed);
        expect(await registry.tunnel(randomUUID())).toBeUndefined();
      });

      it.each<Partial<TokenRecord>>([
        { tunnels: [randomUUID()] },
        {
          tunnels: [randomUUID(), randomUUID()],
          hostnames: ['*.localhost', '.example.com'],
          ports: [
            { from: 22, to: 22 },
            { from: 8_000, to: 9_000 },
          ],
        },
        { tunnels: '*', hostnames: ['*'] },
        { tunnels: [], source: 'file' },
      ])('a token is found as it was stored: %j', async (scope) => {
        const stored = token(scope);
        await registry.putToken(stored);
        expect(await registry.token(tokenId(stored.digest))).toEqual(stored);
        expect(await registry.deleteToken(stored.id)).toEqual(stored);
        expect(await registry.token(stored.id)).toBeUndefined();
        expect(await registry.deleteToken(stored.id)).toBeUndefined();
      });

      it('deleting a tunnel deletes its routes, its claims and the tokens that serve no other', async () => {
        const [shop, blog] = [tunnel(), tunnel()];
        await registry.putTunnel(shop);
        await registry.putTunnel(blog);
        const [own, shared, all] = [
          token({ tunnels: [shop.id] }),
          token({ tunnels: [shop.id, blog.id] }),
          token({ tunnels: '*' }),
        ];
        for (const one of [own, shared, all]) await registry.putToken(one);
        const gone = [route({ hostname: 'a.test' }, shop.id), route({ port: 7001 }, shop.id)];
        const kept = route({ hostname: '.a.test' }, blog.id);
        for (const one of [...gone, kept]) await registry.putRoute(one, 'replace');
        await registry.claim({ hostname: 'claimed.test', tunnel: shop.id, digest: own.digest });

        const deleted = await registry.deleteTunnel(shop.id);

        expect(deleted?.tunnel).toEqual(shop);
        expect(deleted?.tokens).toEqual([own]);
        expect(ids(deleted?.routes ?? [])).toEqual([':7001', 'a.test', 'claimed.test']);
        expect(await registry.tunnel(shop.id)).toBeUndefined();
        expect(await registry.routesFor('a.test')).toEqual([kept]);
        expect(await registry.routesFor('claimed.test')).toEqual([]);
        expect(await registry.portRoutes()).toEqual([]);
        expect(await registry.token(own.id)).toBeUndefined();
        expect(await registry.token(shared.id)).toEqual(shared);
        expect(await registry.token(all.id)).toEqual(all);
        expect(await registry.deleteTunnel(shop.id)).toBeUndefined();
      });
    });

    describe('routes', () => {
      it.each([
        ['example.com', ['example.com', '.example.com', '.com']],
        ['a.example.com', ['.example.com', '*.example.com', '.com']],
        ['b.a.example.com', ['.example.com', '*.example.com', '.com']],
        ['com', ['.com']],
        ['xexample.com', ['.com']],
        ['example.org', []],
      ])('%s is covered by %j', async (hostname, patterns) => {
        for (const pattern of ['example.com', '.example.com', '*.example.com', '.com']) {
          await registry.putRoute(route({ hostname: pattern }), 'replace');
        }
        const found = await registry.routesFor(hostname);
        expect(found.map(({ route: { hostname: pattern } }) => pattern).sort()).toEqual([...patterns].sort());
      });

      it('routes of one hostname differ by path and keep their policy as given', async () => {
        const plain = route({ hostname: 'api.test' });
        const policy = {
          rewrite: { from: '^/v1/(.*)$', to: '/$1' },
          requestHeaders: { set: { 'X-Env': 'prod\n"ü"' }, add: {}, remove: [] },
          empty: [],
        };
        const rich = route({ hostname: 'api.test', path: '/v1', ...policy }, randomUUID(), 'file');
        await registry.putRoute(plain, 'replace');
        await registry.putRoute(rich, 'replace');
        const found = await registry.routesFor('api.test');
        expect(found).toHaveLength(2);
        expect(found).toEqual(expect.arrayContaining([plain, rich]));
        expect(await registry.route(rich.route.id)).toEqual(rich);
      });

      it('creating leaves a route that exists as it is; replacing does not', async () => {
        const [first, second] = [route({ hostname: 'one.test' }), route({ hostname: 'one.test' })];
        expect(await registry.putRoute(first, 'create')).toBe('stored');
        expect(await registry.putRoute(second, 'create')).toBe('exists');
        expect(await registry.routesFor('one.test')).toEqual([first]);
        expect(await registry.putRoute(second, 'replace')).toBe('stored');
        expect(await registry.routesFor('one.test')).toEqual([second]);
      });

      it('a replaced route does not go away with its former tunnel', async () => {
        const [shop, blog] = [tunnel(), tunnel()];
        await registry.putTunnel(shop);
        await registry.putRoute(route({ hostname: 'moved.test' }, shop.id), 'replace');
        const moved = route({ hostname: 'moved.test' }, blog.id);
        await registry.putRoute(moved, 'replace');
        expect((await registry.deleteTunnel(shop.id))?.routes).toEqual([]);
        expect(await registry.routesFor('moved.test')).toEqual([moved]);
      });

      it('deleting a route returns it and leaves the others of its hostname', async () => {
        const [exact, tree] = [route({ hostname: 'two.test' }), route({ hostname: '.two.test' })];
        await registry.putRoute(exact, 'replace');
        await registry.putRoute(tree, 'replace');
        expect(await registry.deleteRoute(exact.route.id)).toEqual(exact);
        expect(await registry.routesFor('two.test')).toEqual([tree]);
        expect(await registry.deleteRoute(exact.route.id)).toBeUndefined();
        expect(await registry.deleteRoute('nonsense')).toBeUndefined();
      });

      it('port routes are listed apart from hostnames', async () => {
        const ssh = route({ port: 10_022 });
        await registry.putRoute(ssh, 'replace');
        await registry.putRoute(route({ hostname: 'web.test' }), 'replace');
        expect(await registry.portRoutes()).toEqual([ssh]);
        expect(await registry.route(':10022')).toEqual(ssh);
      });

      it('routes of one hostname that are stored at the same time are all kept', async () => {
        const paths = Array.from({ length: 20 }, (_, at) => route({ hostname: 'busy.test', path: `/${at}` }));
        await Promise.all(paths.map((one) => registry.putRoute(one, 'create')));
        expect(ids(await registry.routesFor('busy.test'))).toEqual(ids(paths));
      });
    });

    describe('lists', () => {
      it('pages show every item once, whatever their size', async () => {
        const tunnels = Array.from({ length: 25 }, () => tunnel());
        const routes = Array.from({ length: 25 }, (_, at) => route({ hostname: `h${at}.test`, path: '/x' }));
        routes.push(route({ port: 7_001 }), route({ port: 7_002 }), route({ hostname: 'h1.test' }));
        const tokens = Array.from({ length: 25 }, () => token());
        for (const one of tunnels) await registry.putTunnel(one);
        for (const one of routes) await registry.putRoute(one, 'create');
        for (const one of tokens) await registry.putToken(one);
        for (const limit of [1, 7, 100]) {
          const listed = await everything((page) => registry.tunnels(page), limit);
          expect(listed.map(({ id }) => id).sort()).toEqual(tunnels.map(({ id }) => id).sort());
          expect(ids(await everything((page) => registry.routes(page), limit))).toEqual(ids(routes));
          const listedTokens = await everything((page) => registry.tokens(page), limit);
          expect(listedTokens.map(({ id }) => id).sort()).toEqual(tokens.map(({ id }) => id).sort());
        }
      });

      it('a cursor that no list gave out is refused', async () => {
        const asking = registry.routes({ limit: 10, cursor: '%%%' });
        await expect(asking).rejects.toBeInstanceOf(BadCursorError);
      });
    });

    describe('claims', () => {
      const [mine, other] = [digest(), digest()];
      const [shop, blog] = [randomUUID(), randomUUID()];

      it('a claim becomes a route, and stating it again changes nothing', async () => {
        const claim = { hostname: 'app.localhost', tunnel: shop, digest: mine };
        expect(await registry.claim(claim)).toBe('granted');
        expect(await registry.claim(claim)).toBe('held');
        expect(await registry.routesFor('app.localhost')).toEqual([
          { route: { id: 'app.localhost', hostname: 'app.localhost', tunnel: shop }, source: 'claim' },
        ]);
        expect(await registry.claim({ port: 7_100, tunnel: shop, digest: mine })).toBe('granted');
        expect(ids(await registry.portRoutes())).toEqual([':7100']);
      });

      it('what one tunnel holds no other token takes for another tunnel', async () => {
        await registry.claim({ hostname: 'app.localhost', tunnel: shop, digest: mine });
        expect(await registry.claim({ hostname: 'app.localhost', tunnel: blog, digest: other })).toBe(
          'taken',
        );
        expect((await registry.routesFor('app.localhost'))[0]?.route.tunnel).toBe(shop);
      });

      it('another token of the same tunnel shares the claim', async () => {
        await registry.claim({ hostname: 'app.localhost', tunnel: shop, digest: mine });
        expect(await registry.claim({ hostname: 'app.localhost', tunnel: shop, digest: other })).toBe('held');
        expect(await registry.claim({ hostname: 'app.localhost', tunnel: blog, digest: other })).toBe(
          'taken',
        );
      });

      it('the token that made a claim moves it to another tunnel', async () => {
        await registry.claim({ hostname: 'app.localhost', tunnel: shop, digest: mine });
        expect(await registry.claim({ hostname: 'app.localhost', tunnel: blog, digest: mine })).toBe(
          'granted',
        );
        const found = await registry.routesFor('app.localhost');
        expect(found.map(({ route: { tunnel: to } }) => to)).toEqual([blog]);
      });

      it('a configured route is not claimed, and takes the place of a claim', async () => {
        const configured = route({ hostname: 'fixed.test' }, shop);
        await registry.putRoute(configured, 'create');
        expect(await registry.claim({ hostname: 'fixed.test', tunnel: shop, digest: mine })).toBe(
          'configured',
        );
        expect(await registry.claim({ hostname: 'fixed.test', tunnel: blog, digest: mine })).toBe('taken');

        await registry.claim({ hostname: 'app.localhost', tunnel: blog, digest: mine });
        const operator = route({ hostname: 'app.localhost' }, shop);
        expect(await registry.putRoute(operator, 'create')).toBe('stored');
        await neverDuring(
          TIMES.leaseTtl + 2 * TIMES.claimGrace,
          async () => (await registry.expireClaims()).length > 0,
        );
        expect(await registry.routesFor('app.localhost')).toEqual([operator]);
      });

      it('a claim without a session ends after its grace time, and is free for others then', async () => {
        await registry.claim({ hostname: 'app.localhost', tunnel: shop, digest: mine });
        expect(await registry.expireClaims()).toEqual([]);
        const expired = await eventually(async () => {
          const routes = await registry.expireClaims();
          return routes.length > 0 && routes;
        });
        expect(ids(expired)).toEqual(['app.localhost']);
        expect(await registry.routesFor('app.localhost')).toEqual([]);
        expect(await registry.claim({ hostname: 'app.localhost', tunnel: blog, digest: other })).toBe(
          'granted',
        );
      });

      it('others can take a claim that is past its grace time although nothing has removed it', async () => {
        await registry.claim({ hostname: 'app.localhost', tunnel: shop, digest: mine });
        const claim = { hostname: 'app.localhost', tunnel: blog, digest: other };
        expect(await eventually(async () => (await registry.claim(claim)) === 'granted')).toBe(true);
        expect(await registry.expireClaims()).toEqual([]);
      });

      it('a claim lasts while leases keep a session that states it, at any edge', async () => {
        await registry.claim({ hostname: 'app.localhost', tunnel: shop, digest: mine });
        await registry.claim({ port: 7_100, tunnel: shop, digest: mine });
        const claims = { hostnames: ['app.localhost'], ports: [7_100] };
        await attach(registry, edge(), [session({ tunnel: shop, digest: mine, claims })]);
        await neverDuring(2 * (TIMES.leaseTtl + TIMES.claimGrace), async () => {
          await registry.renewLease(edge());
          return (await registry.expireClaims()).length > 0;
        });
        expect(ids(await registry.routesFor('app.localhost'))).toEqual(['app.localhost']);
        const gone: string[] = [];
        await eventually(async () => {
          gone.push(...ids(await registry.expireClaims()));
          return gone.length === 2;
        });
        expect(gone.sort()).toEqual([':7100', 'app.localhost']);
      });

      it('a session does not keep a claim that moved to another tunnel', async () => {
        await registry.claim({ hostname: 'app.localhost', tunnel: shop, digest: mine });
        const claims = { hostnames: ['app.localhost'], ports: [] };
        await attach(registry, edge(), [session({ tunnel: shop, digest: mine, claims })]);
        await registry.claim({ hostname: 'app.localhost', tunnel: blog, digest: mine });
        const expired = await eventually(async () => {
          await registry.renewLease(edge());
          const routes = await registry.expireClaims();
          return routes.length > 0 && routes;
        });
        expect(expired.map(({ route: { tunnel: to } }) => to)).toEqual([blog]);
      });
    });

    describe('leases and sessions', () => {
      it('a new edge is asked for its sessions until they have come', async () => {
        expect(await registry.renewLease(edge())).toBe('resync');
        expect(await registry.renewLease(edge())).toBe('resync');
        await registry.applySessions(all(1, []));
        expect(await registry.renewLease(edge())).toBe('renewed');
        expect(await registry.edges()).toEqual([edge()]);
      });

      it('a lease shows what the edge told last', async () => {
        await registry.renewLease(edge());
        const changed = edge({ draining: true, warnings: ['port 22 is taken'], peers: '127.0.0.1:7001' });
        await registry.renewLease(changed);
        expect(await registry.edges()).toEqual([changed]);
      });

      it('sessions are listed by tunnel and page', async () => {
        const [shop, blog] = [randomUUID(), randomUUID()];
        const atEu = [1, 2, 3].map((n) => session({ id: `eu${n}`, tunnel: n === 3 ? blog : shop }));
        const atUs = [1, 2].map((n) => session({ id: `us${n}`, edge: 'us-1', tunnel: shop }));
        await attach(registry, edge(), atEu);
        await attach(registry, edge({ id: 'us-1', boot: 'u' }), atUs);
        for (const limit of [1, 2, 100]) {
          const listed = await everything((page) => registry.sessions(page), limit);
          expect(byId(listed)).toEqual(byId([...atEu, ...atUs]));
          const ofShop = await everything((page) => registry.sessions({ ...page, tunnel: shop }), limit);
          expect(ofShop.map(({ id }) => id).sort()).toEqual(['eu1', 'eu2', 'us1', 'us2']);
        }
      });

      it('a session changes and ends', async () => {
        const first = session();
        await attach(registry, edge(), [first]);
        const changed = { ...first, links: 2, draining: true };
        await registry.applySessions(change(2, [changed], []));
        expect(await sessionsOf(registry)).toEqual([changed]);
        await registry.applySessions(change(3, [], [first.id]));
        expect(await sessionsOf(registry)).toEqual([]);
      });

      it('sessions vanish with the lease', async () => {
        await attach(registry, edge(), [session()]);
        await neverDuring(2 * TIMES.leaseTtl, async () => {
          await registry.renewLease(edge());
          return (await sessionsOf(registry)).length === 0;
        });
        await eventually(async () => (await registry.edges()).length === 0);
        expect(await sessionsOf(registry)).toEqual([]);
        expect(await registry.applySessions(change(2, [session()], []))).toBe('fenced');
        expect(await registry.renewLease(edge())).toBe('resync');
      });

      it('sessions vanish when the edge starts anew, and what its earlier boot sent late is ignored', async () => {
        await attach(registry, edge(), [session()]);
        expect(await registry.renewLease(edge({ boot: 'b2' }))).toBe('resync');
        expect(await sessionsOf(registry)).toEqual([]);
        expect(await registry.applySessions(change(2, [session()], []))).toBe('fenced');
        expect(await registry.renewLease(edge())).toBe('fenced');
        expect(await registry.endLease('eu-1', 'b1')).toBe('fenced');
        expect(await registry.edges()).toEqual([edge({ boot: 'b2' })]);
      });

      it('an edge that leaves is gone at once', async () => {
        await attach(registry, edge(), [session()]);
        expect(await registry.endLease('eu-1', 'b1')).toBe('ended');
        expect(await registry.edges()).toEqual([]);
        expect(await sessionsOf(registry)).toEqual([]);
      });

      it('a full message replaces what was known before, and spares what was told after', async () => {
        await attach(registry, edge(), [session({ id: 'old' }), session({ id: 'both' })]);
        await registry.applySessions(change(3, [session({ id: 'later' })], ['both']));
        await registry.applySessions(all(2, [session({ id: 'both' }), session({ id: 'new' })]));
        expect(byId(await sessionsOf(registry)).map(({ id }) => id)).toEqual(['later', 'new']);
        expect(await registry.renewLease(edge())).toBe('renewed');
      });

      it('a message that never comes leads to a resync, one that is only late does not', async () => {
        await attach(registry, edge(), []);
        await registry.applySessions(change(3, [session()], []));
        expect(await registry.renewLease(edge())).toBe('renewed');
        await registry.applySessions(change(2, [], []));
        expect(await registry.renewLease(edge())).toBe('renewed');
        await registry.applySessions(change(5, [], []));
        expect(await registry.renewLease(edge())).toBe('renewed');
        expect(await registry.renewLease(edge())).toBe('resync');
        await registry.applySessions(all(6, []));
        expect(await registry.renewLease(edge())).toBe('renewed');
      });

      it.each(Array.from({ length: 12 }, (_, seed) => seed + 1))(
        'messages end in the same sessions in any order (%i)',
        async (seed) => {
          const random = generator(seed);
          const { messages, live } = history(random);
          await registry.renewLease(edge());
          for (const message of shuffled(messages, random)) await registry.applySessions(message);
          const found = await everything((page) => registry.sessions(page), 100);
          expect(byId(found)).toEqual(byId(live));
          expect(await registry.renewLease(edge())).toBe('renewed');
        },
      );

      it('thousands of sessions come in one message', async () => {
        const sessions = Array.from({ length: 3_000 }, (_, at) => session({ id: `s${at}` }));
        await attach(registry, edge(), sessions);
        await registry.renewLease(edge());
        const found = await everything((page) => registry.sessions(page), 1_000);
        expect(new Set(found.map(({ id }) => id)).size).toBe(3_000);
      });
    });
  });
}

function tunnel(over: Partial<TunnelRecord> = {}): TunnelRecord {
  return { id: randomUUID(), name: 'shop', createdAt: 1_760_000_000_000, source: 'api', ...over };
}

function digest(): string {
  return (randomUUID() + randomUUID()).replaceAll('-', '');
}

function token(over: Partial<TokenRecord> = {}): TokenRecord {
  const secret = digest();
  const scope = { tunnels: [randomUUID()], hostnames: [], ports: [] };
  return { id: tokenId(secret), name: 't', digest: secret, ...scope, createdAt: 1, source: 'api', ...over };
}

function route(
  target: Omit<PolicyRoute, 'id' | 'tunnel'>,
  to: string = randomUUID(),
  source: 'api' | 'file' = 'api',
): RouteRecord {
  return { route: { id: routeId(target), tunnel: to, ...target }, source };
}

function edge(over: Partial<EdgeInfo> = {}): EdgeInfo {
  const load = { sessions: 0, streams: 0, connections: 0 };
  return { id: 'eu-1', region: 'eu', boot: 'b1', draining: false, load, warnings: [], ...over };
}

function session(over: Partial<SessionInfo> = {}): SessionInfo {
  return {
    id: 's1',
    tunnel: '4d21094e-b74c-4916-86c1-d9fa36ea677b',
    agent: 'a1',
    generation: 3,
    edge: 'eu-1',
    links: 4,
    address: '[::1]:5000',
    version: '0.1.0',
    since: 1_760_000_000_000,
    draining: false,
    digest: 'ab'.repeat(32),
    claims: { hostnames: [], ports: [] },
    ...over,
  };
}

function all(seq: number, sessions: readonly SessionInfo[], from = edge()): SessionsMessage {
  return { edge: from.id, boot: from.boot, seq, mode: 'all', sessions };
}

function change(seq: number, up: readonly SessionInfo[], down: readonly string[]): SessionsMessage {
  return { edge: 'eu-1', boot: 'b1', seq, mode: 'change', up, down };
}

async function attach(registry: Registry, to: EdgeInfo, sessions: readonly SessionInfo[]): Promise<void> {
  await registry.renewLease(to);
  expect(await registry.applySessions(all(1, sessions, to))).toBe('applied');
}

/** A random life of an edge in messages, and the sessions at its end. Ids come back after they ended. */
function history(random: () => number): { messages: SessionsMessage[]; live: SessionInfo[] } {
  const live = new Map<string, SessionInfo>();
  const messages = [all(1, [])];
  for (let seq = 2; seq < 30; seq++) {
    if (random() < 0.1) {
      messages.push(all(seq, [...live.values()]));
      continue;
    }
    const id = `s${Math.floor(random() * 6)}`;
    const changed = session({ id, links: seq });
    if (random() < 0.5) live.delete(id);
    else live.set(id, changed);
    messages.push(live.has(id) ? change(seq, [live.get(id) ?? changed], []) : change(seq, [], [id]));
  }
  return { messages, live: [...live.values()] };
}

/** Numbers in [0, 1) that a seed determines (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => [random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}

async function everything<T>(list: (page: Page) => Promise<Listed<T>>, limit: number): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | undefined;
  do {
    const page: Listed<T> = await list({ limit, ...(cursor === undefined ? {} : { cursor }) });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    found.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

/** Holds for the whole time; polled, because what must not happen gives no event. */
async function neverDuring(timeMs: number, condition: () => Promise<boolean>): Promise<void> {
  await expect(eventually(condition, { timeoutMs: timeMs })).rejects.toMatchObject({ cause: undefined });
}

const sessionsOf = (registry: Registry): Promise<SessionInfo[]> =>
  everything((page) => registry.sessions(page), 100);
const ids = (records: readonly RouteRecord[]): string[] => records.map(({ route: { id } }) => id).sort();
const byId = <T extends { readonly id: string }>(items: readonly T[]): T[] =>
  [...items].sort((a, b) => a.id.localeCompare(b.id));
