import { RegistryDownError } from '@culvert/registry';
import type { Claim, Page, Registry, RouteRecord, TokenRecord, TunnelRecord } from '@culvert/registry';
import type { EdgeInfo, SessionsMessage } from '@culvert/signals';

/**
 * A registry with a copy of it that can only be read, such as a region's own replica: while the registry cannot be
 * reached, what edges ask for is read there. Everything else needs the registry itself.
 */
export class ReplicatedRegistry implements Registry {
  readonly #primary: Registry;
  readonly #replica: Registry;

  /** Owns both. */
  constructor(primary: Registry, replica: Registry) {
    this.#primary = primary;
    this.#replica = replica;
  }

  get state() {
    return this.#primary.state;
  }

  onState(...[listener]: Parameters<Registry['onState']>) {
    return this.#primary.onState(listener);
  }

  // Read where it can be

  tunnel(id: string) {
    return this.#read((registry) => registry.tunnel(id));
  }

  token(id: string) {
    return this.#read((registry) => registry.token(id));
  }

  route(id: string) {
    return this.#read((registry) => registry.route(id));
  }

  routesFor(hostname: string) {
    return this.#read((registry) => registry.routesFor(hostname));
  }

  portRoutes() {
    return this.#read((registry) => registry.portRoutes());
  }

  // The registry's own

  epoch() {
    return this.#primary.epoch();
  }

  putTunnel(tunnel: TunnelRecord) {
    return this.#primary.putTunnel(tunnel);
  }

  tunnels(page: Page) {
    return this.#primary.tunnels(page);
  }

  deleteTunnel(id: string) {
    return this.#primary.deleteTunnel(id);
  }

  putToken(token: TokenRecord) {
    return this.#primary.putToken(token);
  }

  tokens(page: Page) {
    return this.#primary.tokens(page);
  }

  deleteToken(id: string) {
    return this.#primary.deleteToken(id);
  }

  putRoute(record: RouteRecord, mode: 'create' | 'replace') {
    return this.#primary.putRoute(record, mode);
  }

  routes(page: Page) {
    return this.#primary.routes(page);
  }

  deleteRoute(id: string) {
    return this.#primary.deleteRoute(id);
  }

  claim(claim: Claim) {
    return this.#primary.claim(claim);
  }

  expireClaims() {
    return this.#primary.expireClaims();
  }

  renewLease(edge: EdgeInfo) {
    return this.#primary.renewLease(edge);
  }

  endLease(id: string, boot: string) {
    return this.#primary.endLease(id, boot);
  }

  edges() {
    return this.#primary.edges();
  }

  applySessions(message: SessionsMessage) {
    return this.#primary.applySessions(message);
  }

  sessions(page: Parameters<Registry['sessions']>[0]) {
    return this.#primary.sessions(page);
  }

  async close(): Promise<void> {
    await Promise.all([this.#primary.close(), this.#replica.close()]);
  }

  /** Where the replica is away too, what is said is that the registry is. */
  async #read<T>(read: (registry: Registry) => Promise<T>): Promise<T> {
    try {
      return await read(this.#primary);
    } catch (error) {
      if (!(error instanceof RegistryDownError)) throw error;
      return read(this.#replica);
    }
  }
}
