import { DEFAULT_HEAD_LIMITS, type HeadLimits } from '@culvert/http1';
import type { StreamMemory } from '@culvert/link';
import { livePart, type LiveParts } from '@culvert/settings';
import type { Admission } from './entry/admission.ts';
import type { Ejection } from './pool/ejection.ts';
import type { EntryPoints } from './entry/entry-points.ts';
import { ErrorPages } from './http/error-pages.ts';
import { Forwarding } from './http/forwarding.ts';
import { pseudonymOf } from './http/pseudonym.ts';
import type { HttpContext } from './http/http-context.ts';
import type { LinkDoor } from './pool/link-door.ts';
import type { Pools } from './pool/pools.ts';
import type { Resolver } from './delivery/resolver.ts';
import type { EdgeSettings } from './settings.ts';
import { TrustedProxies } from './entry/trusted-proxies.ts';

/** The part of what connections share that the file decides. */
type RequestRules = Omit<HttpContext, 'ways' | 'deadlines' | 'overload' | 'pacer' | 'edge' | 'draining'>;

/** What of an edge goes by its settings, and can go by others from now on. */
export interface Changeable {
  readonly context: HttpContext;
  readonly admission: Admission;
  readonly memory: StreamMemory;
  readonly pools: Pools;
  readonly ejection: Ejection;
  readonly entryPoints: EntryPoints;
  readonly door: LinkDoor;
  readonly resolver: Resolver;
  /** Whatever looks at the settings when it needs them. */
  use(next: EdgeSettings): void;
  /** Others are to know another address of this edge. */
  announce(): void;
}

/** Read from the settings each time they are needed. */
const LOOKED_UP = [
  'drainTimeout',
  'drainDelay',
  'retries',
  'portRoutes',
  'agents.advertise',
  'peers.advertise',
];
/** Read for each request or connection from what they share. */
const OF_REQUESTS = [
  'limits',
  'timeouts',
  'trustedProxies',
  'forwardedHeaders',
  'via',
  'echoRequestId',
  'errors',
];
/** Entry points are made with these. */
const OF_ENTRY_POINTS = ['entryPoints', 'timeouts'];

/** What can change while an edge runs. A key that is in none of the parts needs a restart. */
export function liveParts(edge: Changeable): LiveParts<EdgeSettings> {
  return [
    livePart([...LOOKED_UP, ...OF_REQUESTS, ...OF_ENTRY_POINTS], (next) => edge.use(next)),
    livePart(['ejection', 'balance'], ({ ejection, balance }) => {
      edge.ejection.rules = ejection;
      edge.pools.balanceBy(balance);
    }),
    {
      keys: OF_REQUESTS,
      // The files of error pages may have changed where their names have not.
      always: true,
      prepare: (next, changed) => {
        const rules = requestRules(next);
        const commit = (): void => {
          Object.assign(edge.context, rules);
          // What is known of routes was completed with the former time limits.
          if (changed) edge.resolver.forgetFreshness();
        };
        return { commit };
      },
    },
    livePart(['limits'], ({ limits }) => {
      edge.admission.limit(limits.connections, limits.connectionsPerAddress);
      edge.context.overload.limit(limits);
      edge.memory.limit(limits.buffer, limits.streamBuffer);
    }),
    livePart(['agents.advertise', 'peers.advertise'], () => edge.announce()),
    {
      keys: OF_ENTRY_POINTS,
      // Their certificates may have changed where the file that names them has not.
      always: true,
      prepare: (next, changed) =>
        changed ? edge.entryPoints.prepare(next) : { commit: () => edge.entryPoints.reloadCertificates() },
    },
    { keys: [], always: true, prepare: () => ({ commit: () => edge.door.reloadCertificates() }) },
  ];
}

/** One field may take all the room that the head has, and the target half of it. */
function headLimits({ headerSize, headerCount }: EdgeSettings['limits']): HeadLimits {
  const targetBytes = Math.max(DEFAULT_HEAD_LIMITS.targetBytes, headerSize >> 1);
  return {
    ...DEFAULT_HEAD_LIMITS,
    headBytes: headerSize,
    valueBytes: headerSize,
    fields: headerCount,
    targetBytes,
  };
}

/** What each request goes by. Throws ErrorPageError. */
export function requestRules(settings: EdgeSettings): RequestRules {
  const { limits, timeouts, secret, echoRequestId } = settings;
  return {
    headLimits: headLimits(limits),
    timeouts: { ...timeouts, total: timeouts.total ?? Infinity },
    bodySize: limits.bodySize ?? Infinity,
    http2Streams: limits.http2Streams,
    echoRequestId,
    errorPages: new ErrorPages(settings.errors),
    forwarding: new Forwarding({
      trusted: new TrustedProxies(settings.trustedProxies),
      headers: settings.forwardedHeaders,
      edge: settings.id,
      pseudonym: settings.via ? pseudonymOf(settings.prefix, secret?.reveal()) : undefined,
    }),
  };
}
