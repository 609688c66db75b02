import { RegistryDownError } from '@culvert/registry';
import type { Registry, RouteRecord } from '@culvert/registry';
import type { PortRoutesReply, ResolveReply } from '@culvert/signals';
import type { Snapshot } from './snapshot.ts';

/** Tells where hostnames and ports lead: by the registry, and while it is away by what is known of it. */
export class Resolution {
  readonly #registry: Registry;
  readonly #snapshot: Snapshot;
  /** Answers given without the registry. */
  stale = 0;

  constructor(registry: Registry, snapshot: Snapshot) {
    this.#registry = registry;
    this.#snapshot = snapshot;
  }

  /** @throws RegistryDownError when the registry is away and nothing is known of the hostname */
  async resolve(hostname: string): Promise<ResolveReply> {
    try {
      const routes = await this.#registry.routesFor(hostname);
      this.#snapshot.noteRoutes(hostname, routes);
      return reply(routes);
    } catch (error) {
      const known = await this.#instead(error, () => this.#snapshot.routesFor(hostname));
      return reply(known);
    }
  }

  async ports(): Promise<PortRoutesReply> {
    try {
      const routes = await this.#registry.portRoutes();
      this.#snapshot.notePorts(routes);
      return reply(routes);
    } catch (error) {
      return reply(await this.#instead(error, () => this.#snapshot.portRoutes()));
    }
  }

  async #instead(
    error: unknown,
    known: () => Promise<readonly RouteRecord[] | undefined>,
  ): Promise<readonly RouteRecord[]> {
    const routes = error instanceof RegistryDownError ? await known() : undefined;
    if (routes === undefined) throw error;
    this.stale += 1;
    return routes;
  }
}

const reply = (records: readonly RouteRecord[]): ResolveReply => ({
  routes: records.map(({ route }) => route),
});
