import { isDeepStrictEqual } from 'node:util';
import type { HeadLimits } from '@culvert/http1';
import type { Deadlines } from '@culvert/lifecycle';
import { RuleList } from '@culvert/routing';
import type { Logger } from '@culvert/telemetry';
import type { AgentCounters } from './counters.ts';
import { poolIdentity, serviceTarget, type TargetParts } from './service-target.ts';
import type { AgentSettings, IngressRule } from './settings.ts';
import { StatusAnswer } from './streams/status-answer.ts';
import { endpointText, type UpstreamTls } from './upstream/endpoint.ts';
import type { HttpTarget } from './upstream/http-target.ts';
import type { UpstreamPool } from './upstream/pool.ts';
import { ServicePools } from './upstream/service-pools.ts';
import { readUpstreamTls } from './upstream/upstream-files.ts';

export interface ServicesOptions {
  /** Where a rule does not say otherwise. */
  readonly limits: AgentSettings['upstream'];
  /** Of an answer. */
  readonly head: HeadLimits;
  readonly deadlines: Deadlines;
  readonly counters: AgentCounters;
  readonly logger: Logger;
}

/** The agent's services by its ingress rules. Rules that lead to the same service the same way share connections. */
export class Services {
  readonly #pools: ServicePools;
  readonly #parts: TargetParts;
  readonly #http = new RuleList<HttpTarget>();
  readonly #raw = new RuleList<UpstreamPool>();
  readonly #rules: readonly IngressRule[];
  /** As the files of the rules had it. */
  readonly #tls: UpstreamTls[] = [];
  #firstRaw: UpstreamPool | undefined;

  /**
   * Connects to nobody yet.
   * @throws UpstreamFileError, and what RuleList throws for a rule that the settings did not check
   */
  constructor(rules: readonly IngressRule[], options: ServicesOptions) {
    this.#rules = rules;
    this.#pools = new ServicePools(options);
    const tlsOf = (rule: IngressRule): UpstreamTls => {
      const tls = readUpstreamTls(rule.tls);
      this.#tls.push(tls);
      return tls;
    };
    this.#parts = { ...options, pools: this.#pools, tlsOf };
    for (const rule of rules) this.#add(rule);
  }

  /** Whether the files of the same rules held the same. */
  sharesFilesWith(other: Services): boolean {
    return isDeepStrictEqual(this.#tls, other.#tls);
  }

  warnOfUnverified(logger: Logger): void {
    for (const { service, tls } of this.#rules) {
      if (tls?.verify === false && service.kind === 'https')
        logger.warn('certificate of a service is not verified', { service: endpointText(service) });
    }
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
    this.#pools.close();
  }

  #add(rule: IngressRule): void {
    const { hostname, path, service } = rule;
    if (service.kind === 'status') return this.#http.add(hostname, path, new StatusAnswer(service.status));
    if (service.kind !== 'tcp')
      return this.#http.add(hostname, path, serviceTarget(rule, service, this.#parts));
    const pool = this.#pools.http1(poolIdentity(rule, service, this.#parts));
    this.#raw.add(hostname, path, pool);
    this.#firstRaw ??= pool;
  }
}
