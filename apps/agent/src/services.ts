import { RuleList } from '@culvert/routing';
import type { IngressRule } from './settings.ts';
import { StatusAnswer } from './streams/status-answer.ts';
import { endpointText, type Endpoint } from './upstream/endpoint.ts';
import { UpstreamPool, type PoolOptions } from './upstream/pool.ts';

/** The agent's services by its ingress rules. Rules with the same service share its connections. */
export class Services {
  readonly #options: Omit<PoolOptions, 'endpoint'>;
  readonly #http = new RuleList<UpstreamPool | StatusAnswer>();
  readonly #raw = new RuleList<UpstreamPool>();
  #firstRaw: UpstreamPool | undefined;
  readonly #pools = new Map<string, UpstreamPool>();

  /** @throws what RuleList throws for a rule that the settings did not check */
  constructor(rules: readonly IngressRule[], options: Omit<PoolOptions, 'endpoint'>) {
    this.#options = options;
    for (const rule of rules) this.#add(rule);
  }

  /**
   * Where a request leads.
   * @param path without query
   */
  forRequest(hostname: string, path: string): UpstreamPool | StatusAnswer | undefined {
    return this.#http.match(hostname, path);
  }

  /** Where a raw connection leads; one that names no host to the rule for all hosts, or else to the first one. */
  forConnection(hostname: string): UpstreamPool | undefined {
    return this.#raw.match(hostname, undefined) ?? (hostname === '' ? this.#firstRaw : undefined);
  }

  /** Closes what is unused, and from now on what becomes so. */
  close(): void {
    for (const pool of this.#pools.values()) pool.close();
  }

  #add({ hostname, path, service }: IngressRule): void {
    if (service.kind === 'status') return this.#http.add(hostname, path, new StatusAnswer(service.status));
    const pool = this.#pool(service);
    if (service.kind !== 'tcp') return this.#http.add(hostname, path, pool);
    this.#raw.add(hostname, path, pool);
    this.#firstRaw ??= pool;
  }

  #pool(endpoint: Endpoint): UpstreamPool {
    const text = endpointText(endpoint);
    const pool = this.#pools.get(text) ?? new UpstreamPool({ ...this.#options, endpoint });
    this.#pools.set(text, pool);
    return pool;
  }
}
