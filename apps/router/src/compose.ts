import type { ListenAddress } from '@culvert/lifecycle';
import { DEFAULT_REGISTRY_TIMES } from '@culvert/registry';
import { livePart, type LiveParts } from '@culvert/settings';
import { Metrics, startAdminServer } from '@culvert/telemetry';
import type { AdminServer } from '@culvert/telemetry';
import { Admission } from './admission.ts';
import { Announcements } from './announcements.ts';
import { createApi } from './api/api.ts';
import type { ApiHandler } from './api/api.ts';
import { ClaimSweep } from './claim-sweep.ts';
import { FileLoader } from './file-loader.ts';
import { fileItems, isEmpty } from './file-items.ts';
import type { RouterParts } from './parts.ts';
import { Presence } from './presence.ts';
import { Recovery } from './recovery.ts';
import { Resolution } from './resolution.ts';
import { Responders } from './responders.ts';
import type { RouterSettings } from './settings.ts';
import { Snapshot } from './snapshot.ts';

export interface RunningRouter {
  /** Where the admin server listens; absent when the settings name none, or somebody else serves it. */
  readonly admin: ListenAddress | undefined;
  /** The REST API, for whoever serves it instead. */
  readonly api: ApiHandler | undefined;
  /** Resolves when the router can take work for the first time: signals stand, and the file has been loaded. */
  readonly ready: Promise<void>;
  /** True while the router takes work; otherwise the reason why not. */
  status(): true | string;
  /** What can change while it runs. */
  readonly live: LiveParts<RouterSettings>;
  /** Leaves the work to the other routers, finishes its own, and stops. The parts stay open. */
  drain(): Promise<void>;
}

export interface RouterOptions {
  /** `mounted`: the API is served by the caller. */
  readonly admin?: 'own server' | 'mounted';
}

/** Starts a router; Redis and NATS that are away are waited for. */
export async function startRouter(
  settings: Pick<RouterSettings, 'tunnels' | 'routes' | 'tokens' | 'admin'>,
  parts: RouterParts,
  options: RouterOptions = {},
): Promise<RunningRouter> {
  const { signals, registry, logger } = parts;
  const metrics = parts.metrics ?? new Metrics();
  const times = { ...DEFAULT_REGISTRY_TIMES, ...parts.times };
  const items = fileItems(settings, Date.now());
  const snapshot = new Snapshot();
  await snapshot.load(items);
  const announcements = new Announcements(signals);
  const isWhole = (): Promise<boolean> => recovery.isWhole();
  const admission = new Admission(registry, snapshot, announcements, isWhole);
  const resolution = new Resolution(registry, snapshot, isWhole);
  const presence = new Presence(registry, admission, logger);
  const apiAccess = { token: settings.admin?.token.reveal() };
  const api = apiOf(apiAccess, parts, announcements);
  let loaded = false;
  let draining = false;
  const status = (): true | string => {
    if (draining) return 'draining';
    if (signals.state === 'disconnected') return 'the signal bus is unavailable';
    return loaded || 'the registry is unavailable';
  };
  // First, so that a port that is taken leaves nothing behind.
  const admin =
    options.admin === 'mounted' ? undefined : await serveAdmin(settings, { ...parts, metrics }, status, api);
  const responders = new Responders({ signals, resolution, admission, presence, snapshot });
  const loading = { registry, announcements, logger };
  const recovery = new Recovery({ ...loading, loader: new FileLoader(loading, items, !isEmpty(items)) });
  const sweep = new ClaimSweep({ registry, signals, announcements, logger }, times.claimGrace);
  const unwatch = signals.onState((state) =>
    logger[state === 'connected' ? 'info' : 'warn']('signals', { state }),
  );
  declareMetrics(metrics, parts, resolution, responders);

  const stop = async (): Promise<void> => {
    draining = true;
    await responders.drain();
    sweep.close();
    await recovery.close();
    await admin?.close();
    announcements.close();
    unwatch();
  };
  let stopped: Promise<void> | undefined;
  const live = [
    livePart<RouterSettings>(['drainTimeout'], () => undefined),
    livePart<RouterSettings>(['admin.token'], ({ admin }) => void (apiAccess.token = admin?.token.reveal())),
    livePart<RouterSettings>(['tunnels', 'routes', 'tokens'], async (next) => {
      const fresh = fileItems(next, Date.now());
      await snapshot.load(fresh);
      await recovery.reload(new FileLoader(loading, fresh, true));
    }),
  ];
  const ready = Promise.all([recovery.loaded.then(() => void (loaded = true)), connected(parts)]);
  return {
    admin: admin?.address,
    api,
    ready: ready.then(() => undefined),
    status,
    live,
    drain: () => (stopped ??= stop()),
  };
}

function apiOf(
  access: { readonly token: string | undefined },
  { registry, logger }: RouterParts,
  announcements: Announcements,
): ApiHandler | undefined {
  if (access.token === undefined) return undefined;
  return createApi({ registry, announcements, logger, access, now: Date.now });
}

async function serveAdmin(
  { admin }: Pick<RouterSettings, 'admin'>,
  { metrics, logger }: RouterParts & { readonly metrics: Metrics },
  ready: () => true | string,
  handler: ApiHandler | undefined,
): Promise<AdminServer | undefined> {
  if (admin === undefined) return undefined;
  const { listen } = admin;
  return startAdminServer({ listen, ready, metrics, logger, ...(handler === undefined ? {} : { handler }) });
}

function declareMetrics(
  metrics: Metrics,
  { signals, registry }: RouterParts,
  resolution: Resolution,
  responders: Responders,
): void {
  metrics.counter('culvert_router_messages_total', 'Messages from edges, by subject', () =>
    [...responders.handled].map(([subject, value]) => ({ labels: { subject }, value })),
  );
  metrics.counter(
    'culvert_router_stale_answers_total',
    'Answers given while the registry was away',
    () => resolution.stale,
  );
  metrics.gauge('culvert_router_registry_up', '1 while the registry can be reached', () =>
    registry.state === 'connected' ? 1 : 0,
  );
  metrics.gauge('culvert_router_signals_up', '1 while the signal bus can be reached', () =>
    signals.state === 'connected' ? 1 : 0,
  );
}

function connected({ signals }: RouterParts): Promise<void> {
  if (signals.state === 'connected') return Promise.resolve();
  return new Promise((resolve) => {
    const unwatch = signals.onState((state) => {
      if (state === 'disconnected') return;
      unwatch();
      resolve();
    });
  });
}
