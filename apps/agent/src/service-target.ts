import type { Deadlines } from '@culvert/lifecycle';
import type { HeadLimits } from '@culvert/http1';
import type { AgentCounters } from './counters.ts';
import type { AgentSettings, IngressRule } from './settings.ts';
import type { Endpoint, UpstreamTls } from './upstream/endpoint.ts';
import { hostOf } from './upstream/host-header.ts';
import { Http1Target } from './upstream/http1-target.ts';
import type { Http2ExchangeParts } from './upstream/http2-exchange.ts';
import { Http2Target } from './upstream/http2-target.ts';
import type { HttpTarget } from './upstream/http-target.ts';
import { NegotiatedTarget } from './upstream/negotiated-target.ts';
import { askForHttp } from './upstream/negotiation.ts';
import { Redirects } from './upstream/redirects.ts';
import type { PoolIdentity, ServicePools } from './upstream/service-pools.ts';
import { TargetsByHost, type NamedTarget } from './upstream/targets-by-host.ts';

export interface TargetParts {
  readonly pools: ServicePools;
  /** Where a rule does not say otherwise. */
  readonly limits: AgentSettings['upstream'];
  /** Of an answer. */
  readonly head: HeadLimits;
  readonly deadlines: Deadlines;
  readonly counters: AgentCounters;
  /** A rule's TLS with its files read. @throws UpstreamFileError */
  readonly tlsOf: (rule: IngressRule) => UpstreamTls;
}

/** The server name that means the request's. */
const OF_REQUEST = '{host}';

/** What a rule says of connections. @throws UpstreamFileError */
export function poolIdentity(rule: IngressRule, endpoint: Endpoint, parts: TargetParts): PoolIdentity {
  const { limits } = parts;
  return {
    endpoint,
    limits: {
      connectTimeout: rule.connectTimeout ?? limits.connectTimeout,
      keepAlive: rule.keepAlive ?? limits.keepAlive,
      maxIdle: rule.maxIdle ?? limits.maxIdle,
      maxRequests: rule.maxRequests ?? limits.maxRequests ?? Infinity,
    },
    tls: parts.tlsOf(rule),
    proxyProtocol: rule.proxyProtocol,
  };
}

/** Where a rule leads requests. @throws UpstreamFileError */
export function serviceTarget(rule: IngressRule, endpoint: Endpoint, parts: TargetParts): HttpTarget {
  const identity = poolIdentity(rule, endpoint, parts);
  const exchange = exchangeParts(rule, endpoint, parts);
  const { pools } = parts;
  if (identity.tls.serverName === OF_REQUEST) {
    const byHost = new TargetsByHost((name) => namedTarget(rule, identity, name, exchange, pools));
    pools.add(byHost);
    return byHost;
  }
  const http1 = (): HttpTarget => new Http1Target(pools.http1(identity), exchange);
  const http2 = (): HttpTarget => new Http2Target(pools.http2(identity), exchange);
  if (endpoint.kind === 'h2c' || rule.http2 === true) return http2();
  return rule.http2 === 'auto' ? negotiated(identity, http1(), http2()) : http1();
}

function exchangeParts(rule: IngressRule, endpoint: Endpoint, parts: TargetParts): Http2ExchangeParts {
  const { limits, head, deadlines, counters } = parts;
  const host = rule.hostHeader === 'service' ? hostOf(endpoint) : rule.hostHeader;
  const mode = rule.redirects ?? 'map';
  return {
    deadlines,
    counters,
    limits: head,
    firstByteTimeout: rule.firstByteTimeout ?? limits.firstByteTimeout,
    host,
    redirects: mode === 'pass' ? undefined : new Redirects({ mode, endpoint, host }),
  };
}

function namedTarget(
  rule: IngressRule,
  shared: PoolIdentity,
  hostname: string,
  exchange: Http2ExchangeParts,
  pools: ServicePools,
): NamedTarget {
  const identity = { ...shared, tls: nameIn(shared.tls, hostname) };
  const http1 = pools.newHttp1(identity);
  const http2 = pools.newHttp2(identity);
  const close = (): void => {
    http1.close();
    http2.close();
  };
  const targets = [new Http1Target(http1, exchange), new Http2Target(http2, exchange)] as const;
  if (rule.http2 === 'auto') return { target: negotiated(identity, ...targets), close };
  return { target: rule.http2 === true ? targets[1] : targets[0], close };
}

/** Without a name the service's host is what is verified. */
function nameIn({ serverName: _of, ...tls }: UpstreamTls, hostname: string): UpstreamTls {
  return hostname === '' ? tls : { ...tls, serverName: hostname };
}

function negotiated(identity: PoolIdentity, http1: HttpTarget, http2: HttpTarget): HttpTarget {
  const { endpoint, tls, limits } = identity;
  return new NegotiatedTarget({
    http1,
    http2,
    ask: (answer) => askForHttp(endpoint, tls, limits.connectTimeout, answer),
  });
}
