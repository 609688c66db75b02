import type { Metrics, Sample } from '@culvert/telemetry';
import type { AgentLink } from './attach/agent-link.ts';
import type { AgentCounters } from './counters.ts';
import { resetName } from './reset-name.ts';

interface Held {
  readonly links: Iterable<AgentLink>;
}

/** Declares what the agent counts; nothing is put together before somebody asks. */
export function declareAgentMetrics(metrics: Metrics, counters: AgentCounters, held: Held): void {
  declareLinks(metrics, counters, held);
  metrics.counter('culvert_agent_requests_total', 'requests taken from edges', () => counters.requests);
  metrics.gauge('culvert_agent_requests_open', 'requests at the services now', () => counters.requestsOpen);
  metrics.counter(
    'culvert_agent_raw_streams_total',
    'raw connections and upgrades',
    () => counters.rawStreams,
  );
  metrics.gauge(
    'culvert_agent_raw_streams_open',
    'raw connections and upgrades now',
    () => counters.rawStreamsOpen,
  );
  metrics.counter('culvert_agent_upgrades_total', 'requests that became raw', () => counters.upgrades);
  metrics.counter(
    'culvert_agent_repeats_total',
    'requests sent again on a new connection',
    () => counters.repeats,
  );
  metrics.counter('culvert_agent_resets_total', 'streams reset by the agent', () =>
    [...counters.resets].map(([code, value]): Sample => ({ labels: { code: resetName(code) }, value })),
  );
  metrics.counter(
    'culvert_agent_upstream_connects_total',
    'connections begun',
    () => counters.upstreamConnects,
  );
  metrics.counter('culvert_agent_upstream_connect_failures_total', 'connections not made', () => {
    return counters.upstreamConnectFailures;
  });
  metrics.gauge('culvert_agent_upstream_connections', 'connections to services', () => [
    { labels: { state: 'idle' }, value: counters.upstreamIdle },
    { labels: { state: 'busy' }, value: counters.upstreamOpen - counters.upstreamIdle },
  ]);
}

function declareLinks(metrics: Metrics, counters: AgentCounters, held: Held): void {
  metrics.gauge('culvert_agent_links', 'links to edges', () => linksByState(held));
  metrics.counter('culvert_agent_links_attached_total', 'links attached', () => counters.linksAttached);
  metrics.counter('culvert_agent_link_failures_total', 'edges not reached', () => counters.linkFailures);
  metrics.counter('culvert_agent_link_refusals_total', 'links refused by edges', () => counters.linkRefusals);
  metrics.counter('culvert_agent_link_received_bytes_total', 'bytes from edges', () => {
    return sumOver(held, counters.linkBytesIn, (bytes) => bytes.bytesIn);
  });
  metrics.counter('culvert_agent_link_sent_bytes_total', 'bytes to edges', () => {
    return sumOver(held, counters.linkBytesOut, (bytes) => bytes.bytesOut);
  });
}

function linksByState(held: Held): Sample[] {
  const counts = { dialing: 0, attached: 0, leaving: 0 };
  for (const { state } of held.links) if (state !== 'over') counts[state]++;
  return Object.entries(counts).map(([state, value]) => ({ labels: { state }, value }));
}

function sumOver(
  held: Held,
  ended: number,
  read: (bytes: { readonly bytesIn: number; readonly bytesOut: number }) => number,
): number {
  let sum = ended;
  for (const { link } of held.links) if (link !== undefined) sum += read(link.counters);
  return sum;
}
