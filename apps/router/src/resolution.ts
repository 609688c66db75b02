import { RegistryDownError } from '@culvert/registry';
import type { Registry, RouteRecord } from '@culvert/registry';
import type { PortRoutesReply, ResolveReply } from '@culvert/signals';
import type { Snapshot } from './snapshot.ts';

/** Tells where hostnames and ports lead: by the registry, and while it is away by what is known of it. */
export class Resolution {
  readonly #registry: Registry;
  readonly #snapshot: Snapshot;
  readonly #isWhole: () => Promise<boolean>;
  /** Answers given without the registry. */
  stale = 0;

  /** @param isWhole whether what the registry lacks does not exist */
  constructor(registry: Registry, snapshot: Snapshot, isWhole: () => Promise<boolean>) {
    this.#registry = registry;
    this.#snapshot = snapshot;
    this.#isWhole = isWhole;
  }

  /** @throws RegistryDownError when the registry is away and nothing is known of the hostname */
  async resolve(hostname: string): Promise<ResolveReply> {
    try {
      const routes = await this.#sure(this.#registry.routesFor(hostname));
      this.#snapshot.noteRoutes(hostname, routes);
      return reply(routes);
    } catch (error) {
      const known = await this.#instead(error, () => this.#snapshot.routesFor(hostname));
      return reply(known);
    }
  }

  async ports(): Promise<PortRoutesReply> {
    try {
      const routes = await this.#sure(this.#registry.portRoutes());
      this.#snapshot.notePorts(routes);
      return reply(routes);
    } catch (error) {
      return reply(await this.#instead(error, () => this.#snapshot.portRoutes()));
    }
  }

  /** Nothing at all is what a registry says that has just been emptied. */
  async #sure(asked: Promise<readonly RouteRecord[]>): Promise<readonly RouteRecord[]> {
    const routes = await asked;
    if (routes.length === 0 && !(await this.#isWhole())) throw new RegistryDownError();
    return routes;
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
