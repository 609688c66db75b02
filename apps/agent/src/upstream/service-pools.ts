import type { HeadLimits } from '@culvert/http1';
import type { Deadlines } from '@culvert/lifecycle';
import type { Logger } from '@culvert/telemetry';
import type { AgentCounters } from '../counters.ts';
import { endpointText, type Endpoint, type UpstreamTls } from './endpoint.ts';
import { Http2Pool } from './http2-pool.ts';
import { UpstreamPool, type PoolLimits } from './pool.ts';
import type { ProxyProtocol } from './proxy-header.ts';

export interface ServicePoolsOptions {
  /** Of an answer. */
  readonly head: HeadLimits;
  readonly deadlines: Deadlines;
  readonly counters: AgentCounters;
  readonly logger: Logger;
}

/** What connections of a pool have in common; rules that agree in all of it share them. */
export interface PoolIdentity {
  readonly endpoint: Endpoint;
  readonly limits: PoolLimits;
  readonly tls: UpstreamTls;
  readonly proxyProtocol: ProxyProtocol | undefined;
}

interface Closing {
  close(): void;
}

/** The connections to all services of an agent. */
export class ServicePools {
  readonly #options: ServicePoolsOptions;
  readonly #http1 = new Map<string, UpstreamPool>();
  readonly #http2 = new Map<string, Http2Pool>();
  readonly #others: Closing[] = [];

  constructor(options: ServicePoolsOptions) {
    this.#options = options;
  }

  http1(identity: PoolIdentity): UpstreamPool {
    const key = keyOf(identity);
    const pool = this.#http1.get(key) ?? this.newHttp1(identity);
    this.#http1.set(key, pool);
    return pool;
  }

  http2(identity: PoolIdentity): Http2Pool {
    const key = keyOf(identity);
    const pool = this.#http2.get(key) ?? this.newHttp2(identity);
    this.#http2.set(key, pool);
    return pool;
  }

  /** A pool that is not shared: whoever makes it closes it. */
  newHttp1(identity: PoolIdentity): UpstreamPool {
    return new UpstreamPool({ ...this.#options, ...identity });
  }

  newHttp2({ endpoint, tls, limits }: PoolIdentity): Http2Pool {
    const maxFields = this.#options.head.fields;
    return new Http2Pool({ ...this.#options, endpoint, tls, limits: { ...limits, maxFields } });
  }

  /** Closes it with the others. */
  add(closing: Closing): void {
    this.#others.push(closing);
  }

  /** Closes what is unused, and from now on what becomes so. */
  close(): void {
    for (const pool of [...this.#http1.values(), ...this.#http2.values(), ...this.#others]) pool.close();
  }
}

function keyOf({ endpoint, limits, tls, proxyProtocol }: PoolIdentity): string {
  const { connectTimeout, keepAlive, maxIdle, maxRequests } = limits;
  const { ca, verify, serverName, cert, key, minVersion } = tls;
  const identity = [ca, verify, serverName, cert, key, minVersion];
  return JSON.stringify([
    endpointText(endpoint),
    connectTimeout,
    keepAlive,
    maxIdle,
    String(maxRequests),
    identity,
    proxyProtocol,
  ]);
}
