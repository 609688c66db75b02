import type { HeadLimits } from '@culvert/http1';
import type { Deadlines } from '@culvert/lifecycle';
import { RuleList } from '@culvert/routing';
import type { Logger } from '@culvert/telemetry';
import type { AgentCounters } from './counters.ts';
import type { AgentSettings, IngressRule } from './settings.ts';
import { StatusAnswer } from './streams/status-answer.ts';
import { endpointText, type Endpoint } from './upstream/endpoint.ts';
import { Http1Target } from './upstream/http1-target.ts';
import { Http2Pool } from './upstream/http2-pool.ts';
import { Http2Target } from './upstream/http2-target.ts';
import type { HttpTarget } from './upstream/http-target.ts';
import { UpstreamPool } from './upstream/pool.ts';

export interface ServicesOptions {
  /** Where a rule does not say otherwise. */
  readonly limits: AgentSettings['upstream'];
  /** Of an answer. */
  readonly head: HeadLimits;
  readonly deadlines: Deadlines;
  readonly counters: AgentCounters;
  readonly logger: Logger;
}

/** The agent's services by its ingress rules. Rules with the same service share its connections. */
export class Services {
  readonly #options: ServicesOptions;
  readonly #http = new RuleList<HttpTarget>();
  readonly #raw = new RuleList<UpstreamPool>();
  #firstRaw: UpstreamPool | undefined;
  readonly #pools = new Map<string, UpstreamPool>();
  readonly #http2Pools = new Map<string, Http2Pool>();

  /** @throws what RuleList throws for a rule that the settings did not check */
  constructor(rules: readonly IngressRule[], options: ServicesOptions) {
    this.#options = options;
    for (const rule of rules) this.#add(rule);
  }

  /**
   * Where a request leads.
   * @param path without query
   */
  forRequest(hostname: string, path: string): HttpTarget | undefined {
    return this.#http.match(hostname, path);
  }

  /** Where a raw connection leads; one that names no host to the rule for all hosts, or else to the first one. */
  forConnection(hostname: string): UpstreamPool | undefined {
    return this.#raw.match(hostname, undefined) ?? (hostname === '' ? this.#firstRaw : undefined);
  }

  /** Closes what is unused, and from now on what becomes so. */
  close(): void {
    for (const pool of this.#pools.values()) pool.close();
    for (const pool of this.#http2Pools.values()) pool.close();
  }

  #add({ hostname, path, service }: IngressRule): void {
    if (service.kind === 'status') return this.#http.add(hostname, path, new StatusAnswer(service.status));
    if (service.kind !== 'tcp') return this.#http.add(hostname, path, this.#target(service));
    const pool = this.#pool(service);
    this.#raw.add(hostname, path, pool);
    this.#firstRaw ??= pool;
  }

  #target(endpoint: Endpoint): HttpTarget {
    const { limits, head, counters, deadlines } = this.#options;
    const parts = { counters, deadlines, limits: head, firstByteTimeout: limits.firstByteTimeout };
    return endpoint.kind === 'h2c'
      ? new Http2Target(this.#http2Pool(endpoint), parts)
      : new Http1Target(this.#pool(endpoint), parts);
  }

  #pool(endpoint: Endpoint): UpstreamPool {
    const text = endpointText(endpoint);
    const pool = this.#pools.get(text) ?? new UpstreamPool({ ...this.#options, endpoint });
    this.#pools.set(text, pool);
    return pool;
  }

  #http2Pool(endpoint: Endpoint): Http2Pool {
    const text = endpointText(endpoint);
    const { head, limits } = this.#options;
    const pool =
      this.#http2Pools.get(text) ??
      new Http2Pool({ ...this.#options, endpoint, limits: { ...limits, maxFields: head.fields } });
    this.#http2Pools.set(text, pool);
    return pool;
  }
}
