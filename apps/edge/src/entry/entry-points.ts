import type { ListenAddress } from '@culvert/lifecycle';
import type { Prepared } from '@culvert/settings';
import { isDeepStrictEqual } from 'node:util';
import type { EntryPoint } from './entry-point.ts';
import type { EdgeSettings } from '../settings.ts';

type EntryPointSettings = EdgeSettings['entryPoints'][number];

interface Open {
  readonly listen: ListenAddress;
  readonly entryPoint: EntryPoint;
}

/** The public listeners, which come and go with the settings. */
export class EntryPoints {
  readonly #make: (settings: EntryPointSettings, edge: EdgeSettings) => EntryPoint;
  #open: readonly Open[] = [];

  /** @param make makes an entry point that does not listen yet */
  constructor(make: (settings: EntryPointSettings, edge: EdgeSettings) => EntryPoint) {
    this.#make = make;
  }

  /** Where they listen, with the ports that were assigned. */
  get addresses(): ListenAddress[] {
    return this.#open.flatMap(({ entryPoint }) => entryPoint.address ?? []);
  }

  /** @throws what listening throws */
  async start(settings: EdgeSettings): Promise<void> {
    const prepared = await this.prepare(settings);
    prepared.commit();
  }

  /** Opens what is new. Taken into use, entry points that stay go by the new settings, and the others close. */
  async prepare(settings: EdgeSettings): Promise<{ commit(): void } & Prepared> {
    const next: (Open & { readonly former: EntryPoint | undefined })[] = [];
    const discard = (): void => {
      for (const { entryPoint } of next) entryPoint.close();
    };
    const left = [...this.#open];
    for (const one of settings.entryPoints) {
      const at = left.findIndex(({ listen }) => isDeepStrictEqual(listen, one.listen));
      const former = at === -1 ? undefined : left.splice(at, 1)[0]?.entryPoint;
      const entryPoint = this.#make(one, settings);
      next.push({ listen: one.listen, entryPoint, former });
      try {
        await entryPoint.prepare();
        if (former === undefined) await entryPoint.listen();
      } catch (error) {
        discard();
        throw error;
      }
    }
    const commit = (): void => {
      for (const { entryPoint, former } of next) if (former !== undefined) entryPoint.succeed(former);
      for (const { entryPoint } of left) entryPoint.close();
      this.#open = next;
    };
    return { commit, discard };
  }

  /** Reads the certificates again; connections are not touched. */
  async reloadCertificates(): Promise<void> {
    await Promise.all(this.#open.map(({ entryPoint }) => entryPoint.reloadCertificates()));
  }

  /** None accepts any more; what runs is not touched. */
  close(): void {
    for (const { entryPoint } of this.#open) entryPoint.close();
  }
}
