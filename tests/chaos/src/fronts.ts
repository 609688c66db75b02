import { get } from 'node:http';
import type { Place } from './place.ts';

const PROBE_INTERVAL_MS = 100;
/** A readiness that takes longer to tell counts as not ready. */
const PROBE_TIMEOUT_MS = 1_000;

/** An edge as a balancer knows it. */
export interface Front {
  readonly id: string;
  readonly http: Place;
  readonly admin: Place;
}

interface Watched {
  readonly front: Front;
  isReady: boolean;
  probing: boolean;
}

/** What stands before the edges: it sends new connections to those in turn whose `/readyz` says so. */
export class Fronts {
  readonly #watched: readonly Watched[];
  readonly #timer: NodeJS.Timeout;
  readonly #left = new Set<string>();
  #turn = 0;

  constructor(fronts: readonly Front[]) {
    this.#watched = fronts.map((front) => ({ front, isReady: true, probing: false }));
    this.#timer = setInterval(() => this.#probe(), PROBE_INTERVAL_MS);
  }

  /** Takes edges out by hand, as before maintenance. */
  leaveOut(...ids: readonly string[]): void {
    for (const id of ids) this.#left.add(id);
  }

  /** The next in turn; of those that are left in when none is ready. */
  pick(): Place {
    const usable = this.#watched.filter(({ front }) => !this.#left.has(front.id));
    const ready = usable.filter(({ isReady }) => isReady);
    const choice = ready.length > 0 ? ready : usable;
    this.#turn++;
    return choice[this.#turn % choice.length]!.front.http;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #probe(): void {
    for (const watched of this.#watched) {
      if (watched.probing) continue;
      watched.probing = true;
      void readiness(watched.front.admin).then((isReady) => {
        watched.isReady = isReady;
        watched.probing = false;
      });
    }
  }
}

function readiness(admin: Place): Promise<boolean> {
  return new Promise((resolve) => {
    const asking = get({ ...admin, path: '/readyz', agent: false, timeout: PROBE_TIMEOUT_MS }, (incoming) => {
      incoming.resume();
      resolve(incoming.statusCode === 200);
    });
    asking.on('timeout', () => asking.destroy());
    asking.on('error', () => resolve(false));
  });
}
