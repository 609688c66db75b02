import type { Link, StreamMemory } from '@culvert/link';
import type { Metrics } from '@culvert/telemetry';
import type { Admission } from './entry/admission.ts';
import type { EdgeCounters } from './counters.ts';
import type { Overload } from './overload.ts';
import type { Pools } from './pool/pools.ts';
import type { Resolver } from './delivery/resolver.ts';

export interface EdgeState {
  readonly counters: EdgeCounters;
  readonly admission: Admission;
  readonly memory: StreamMemory;
  readonly overload: Overload;
  readonly pools: Pools;
  readonly resolver: Resolver;
  readonly links: () => readonly Link[];
  readonly peerLinks: () => number;
}

/** Names, units and help of everything an edge counts. */
export function declareEdgeMetrics(metrics: Metrics, state: EdgeState): void {
  const { counters } = state;
  metrics.counter(
    'culvert_edge_connections_total',
    'Public connections accepted',
    () => counters.connections,
  );
  metrics.gauge('culvert_edge_connections', 'Public connections open', () => state.admission.open);
  metrics.counter(
    'culvert_edge_connections_refused_total',
    'Public connections over a limit',
    () => counters.connectionsRefused,
  );
  metrics.counter(
    'culvert_edge_garbage_total',
    'Connections that spoke no known protocol',
    () => counters.garbage,
  );
  metrics.counter(
    'culvert_edge_http2_connections_total',
    'Public connections that spoke HTTP/2',
    () => counters.http2Connections,
  );
  metrics.gauge('culvert_edge_http2_connections', 'HTTP/2 connections open', () => counters.http2Open);
  metrics.counter(
    'culvert_edge_http2_calmed_total',
    'HTTP/2 connections closed because they reset most of their streams',
    () => counters.http2Calmed,
  );
  metrics.counter('culvert_edge_requests_total', 'HTTP requests begun', () => counters.requests);
  metrics.gauge('culvert_edge_lag_seconds', 'How late the event loop is', () => state.overload.lag / 1_000);
  metrics.gauge(
    'culvert_edge_shed_ratio',
    'Share of what is new that is refused because of lag',
    () => state.overload.share,
  );
  metrics.gauge('culvert_edge_requests', 'HTTP requests being answered', () => counters.requestsOpen);
  metrics.counter('culvert_edge_responses_total', 'Responses of services by status class', () => [
    { labels: { class: '2xx' }, value: counters.responses2xx },
    { labels: { class: '3xx' }, value: counters.responses3xx },
    { labels: { class: '4xx' }, value: counters.responses4xx },
    { labels: { class: '5xx' }, value: counters.responses5xx },
  ]);
  metrics.counter('culvert_edge_refusals_total', 'Answers of the edge itself by code', () =>
    [...counters.refusals].map(([code, value]) => ({ labels: { code }, value })),
  );
  metrics.counter('culvert_edge_retries_total', 'Tries after a first that failed', () => counters.retries);
  metrics.counter(
    'culvert_edge_retries_denied_total',
    'Requests not tried again because too many were already',
    () => counters.retriesDenied,
  );
  metrics.counter(
    'culvert_edge_client_aborts_total',
    'Clients gone before their answer',
    () => counters.clientAborts,
  );
  metrics.counter('culvert_edge_raw_streams_total', 'Raw connections passed on', () => counters.rawStreams);
  metrics.counter(
    'culvert_edge_redirects_to_https_total',
    'Requests in clear that were sent to HTTPS',
    () => counters.redirectsToHttps,
  );
  metrics.counter('culvert_edge_tls_handshakes_total', 'TLS handshakes on entry points by outcome', () => [
    { labels: { outcome: 'full' }, value: counters.tlsHandshakes - counters.tlsResumptions },
    { labels: { outcome: 'resumed' }, value: counters.tlsResumptions },
    { labels: { outcome: 'failed' }, value: counters.tlsFailures },
  ]);
  metrics.counter('culvert_edge_relayed_out_total', 'Streams sent to other edges', () => counters.relayedOut);
  metrics.counter(
    'culvert_edge_relayed_in_total',
    'Streams taken from other edges',
    () => counters.relayedIn,
  );
  metrics.counter(
    'culvert_edge_sessions_admitted_total',
    'Sessions admitted',
    () => counters.sessionsAdmitted,
  );
  metrics.counter('culvert_edge_sessions_refused_total', 'Sessions refused', () => counters.sessionsRefused);
  metrics.gauge('culvert_edge_sessions', 'Sessions attached', () => state.pools.sessionCount);
  metrics.counter(
    'culvert_edge_sessions_put_off_total',
    'Sessions asked to come back later because too many came at once',
    () => counters.sessionsPutOff,
  );
  metrics.counter(
    'culvert_edge_ejections_total',
    'Sessions set aside because they failed',
    () => counters.ejections,
  );
  metrics.gauge('culvert_edge_sessions_set_aside', 'Sessions set aside now', () => state.pools.setAside);
  metrics.gauge('culvert_edge_links', 'Links of agents and from other edges', () => state.links().length);
  metrics.gauge('culvert_edge_peer_links', 'Links dialled to other edges', () => state.peerLinks());
  metrics.gauge('culvert_edge_streams', 'Streams open on links', () =>
    state.links().reduce((sum, link) => sum + link.openStreams, 0),
  );
  metrics.gauge('culvert_edge_window_bytes', 'Stream data that may be pinned', () => state.memory.granted);
  metrics.gauge('culvert_edge_hostnames_cached', 'Hostnames in the resolve cache', () => state.resolver.size);
}
