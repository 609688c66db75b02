import { Ingress, type IngressEntry } from './ingress.ts';
import type { IngressRule } from './settings.ts';
import { StatusAnswer } from './streams/status-answer.ts';
import type { HttpTarget } from './streams/stream-server.ts';
import { endpointText, type Endpoint } from './upstream/endpoint.ts';
import { UpstreamPool, type PoolOptions } from './upstream/pool.ts';

/** A kind of service that the configuration knows and this version does not serve. */
export class UnsupportedServiceError extends Error {
  readonly service: string;

  constructor(service: string) {
    super(`ingress: services of the kind ${service} are not supported yet`);
    this.name = 'UnsupportedServiceError';
    this.service = service;
  }
}

/** The agent's services: what its rules lead to. Rules with the same service share its connections. */
export class Services {
  readonly http: Ingress<HttpTarget>;
  readonly raw: Ingress<UpstreamPool>;
  readonly #pools = new Map<string, UpstreamPool>();

  constructor(rules: readonly IngressRule[], options: Omit<PoolOptions, 'endpoint'>) {
    const http: IngressEntry<HttpTarget>[] = [];
    const raw: IngressEntry<UpstreamPool>[] = [];
    for (const rule of rules) {
      const { service } = rule;
      if (service.kind === 'h2c') throw new UnsupportedServiceError('h2c://');
      if (service.kind === 'status') http.push({ rule, target: new StatusAnswer(service.status) });
      else if (service.kind === 'tcp') raw.push({ rule, target: this.#pool(service, options) });
      else http.push({ rule, target: this.#pool(service, options) });
    }
    this.http = new Ingress(http);
    this.raw = new Ingress(raw);
  }

  /** Closes what is unused, and from now on what becomes so. */
  close(): void {
    for (const pool of this.#pools.values()) pool.close();
  }

  #pool(endpoint: Endpoint, options: Omit<PoolOptions, 'endpoint'>): UpstreamPool {
    const text = endpointText(endpoint);
    const pool = this.#pools.get(text) ?? new UpstreamPool({ ...options, endpoint });
    this.#pools.set(text, pool);
    return pool;
  }
}
