/** What tests of the router share. */
import { randomUUID } from 'node:crypto';
import { MemoryRegistry } from '@culvert/registry';
import type { Registry, RegistryTimes } from '@culvert/registry';
import { RedisRegistry } from '@culvert/registry-redis';
import { MemoryBus, MemorySignals } from '@culvert/signals';
import type {
  AuthenticateReply,
  AuthenticateRequest,
  EdgeInfo,
  SessionInfo,
  Signals,
} from '@culvert/signals';
import { connectNats } from '@culvert/signals-nats';
import { Secret } from '@culvert/settings';
import { silentLogger } from '@culvert/telemetry';
import { eventually, startNats, startRedis } from '@culvert/testkit';
import type { NatsServer, RedisServer } from '@culvert/testkit';
import { onTestFinished } from 'vitest';
import { startRouter } from '../compose.ts';
import type { RunningRouter } from '../compose.ts';
import { digestOf } from '../digest.ts';
import type { RouterSettings } from '../settings.ts';

export const SHOP = '4d21094e-b74c-4916-86c1-d9fa36ea677b';
export const SHOP_TOKEN = 'shop-token';
export const ADMIN_TOKEN = 'admin-token';
/** Short, so that tests see leases and claims end. */
export const TIMES: RegistryTimes = { leaseTtl: 600, claimGrace: 400 };
export const ASK = { timeoutMs: 5_000 };

export type FileSettings = Pick<RouterSettings, 'tunnels' | 'routes' | 'tokens' | 'admin'>;

/** A file with one tunnel, its route, and a token that claims names below localhost for any tunnel. */
export const FILE: FileSettings = {
  tunnels: [{ id: SHOP, name: 'shop', token: new Secret(SHOP_TOKEN) }],
  routes: [{ hostname: '.example.com', tunnel: SHOP }],
  tokens: [tokenSettings('anyone')],
  admin: { listen: { host: '127.0.0.1', port: 0 }, token: new Secret(ADMIN_TOKEN) },
};

export function tokenSettings(token: string): RouterSettings['tokens'][number] {
  const ports = [{ from: 7_000, to: 7_999 }];
  return { name: token, token: new Secret(token), tunnels: '*', hostnames: ['*.localhost'], ports };
}

/** Where routers run: makes one member of the bus, or one view of the registry. */
export interface Installation {
  signals(): Promise<Signals>;
  registry(): Promise<Registry>;
}

export interface RealInstallation extends Installation {
  readonly redis: RedisServer;
  readonly nats: NatsServer;
}

export function memoryInstallation(): Installation {
  const bus = new MemoryBus();
  const registry = new MemoryRegistry({ times: TIMES });
  return {
    signals: () => Promise.resolve(new MemorySignals(bus)),
    registry: () => Promise.resolve(registry),
  };
}

/** An own redis-server and nats-server for the test that asks. */
export async function realInstallation(): Promise<RealInstallation> {
  const [redis, nats] = await Promise.all([startRedis(), startNats()]);
  onTestFinished(() => Promise.all([redis.remove(), nats.process.stop()]).then(() => undefined));
  return {
    redis,
    nats,
    async signals() {
      const signals = connectNats({ servers: nats.url, prefix: 'test', name: 'test' });
      onTestFinished(() => signals.close());
      await eventually(() => signals.state === 'connected', { timeoutMs: 15_000 });
      return signals;
    },
    async registry() {
      const registry = new RedisRegistry({ redis: redis.url, times: TIMES });
      onTestFinished(() => registry.close());
      await eventually(() => registry.state === 'connected');
      return registry;
    },
  };
}

/** A router that has started; it is drained when the test ends. */
export async function runRouter(
  installation: Installation,
  settings: Partial<FileSettings> = {},
): Promise<RunningRouter> {
  const [signals, registry] = [await installation.signals(), await installation.registry()];
  const parts = { signals, registry, logger: silentLogger, times: TIMES };
  const router = await startRouter({ ...FILE, ...settings }, parts);
  onTestFinished(() => router.drain());
  await router.ready;
  await roundTrip(signals);
  return router;
}

/** Calls the API of a router; the body is JSON. */
export async function call(
  router: RunningRouter,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ readonly status: number; readonly body: unknown; readonly headers: Headers }> {
  const response = await fetch(`http://127.0.0.1:${router.admin?.port}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const { status, headers } = response;
  return { status, headers, body: text === '' ? undefined : JSON.parse(text) };
}

/** What an edge hears on a subject, from now on. */
export async function listen(signals: Signals, subject: string): Promise<unknown[]> {
  const heard: unknown[] = [];
  signals.subscribe(subject, (message) => heard.push(message));
  await roundTrip(signals);
  return heard;
}

/** A question that nobody answers comes back after what was subscribed to has taken effect. */
async function roundTrip(signals: Signals): Promise<void> {
  await signals.request('nobody', null, ASK).catch(() => undefined);
}

export function authentication(
  token: string,
  tunnel: string,
  claims: Partial<AuthenticateRequest['claims']> = {},
): AuthenticateRequest {
  return { edge: 'eu-1', tunnel, digest: digestOf(token), claims: { hostnames: [], ports: [], ...claims } };
}

export const reasonOf = (reply: unknown): string => {
  const answer = reply as AuthenticateReply;
  return answer.allow ? 'allowed' : answer.reason;
};

export function edge(over: Partial<EdgeInfo> = {}): EdgeInfo {
  const load = { sessions: 0, streams: 0, connections: 0 };
  return { id: 'eu-1', region: 'eu', boot: 'b1', draining: false, load, warnings: [], ...over };
}

export function session(over: Partial<SessionInfo> = {}): SessionInfo {
  return {
    id: randomUUID(),
    tunnel: SHOP,
    agent: 'a1',
    generation: 1,
    edge: 'eu-1',
    links: 4,
    address: '127.0.0.1:5000',
    version: '0.1.0',
    since: 1_760_000_000_000,
    draining: false,
    digest: digestOf(SHOP_TOKEN),
    claims: { hostnames: [], ports: [] },
    ...over,
  };
}
