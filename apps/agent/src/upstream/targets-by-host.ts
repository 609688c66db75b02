import type { RequestHead } from '@culvert/http1';
import type { LinkStream, StreamConsumer } from '@culvert/link';
import type { ResetCode } from '@culvert/wire';
import type { HttpTarget, Opening } from './http-target.ts';

/** A target of one server name, with connections of its own. */
export interface NamedTarget {
  readonly target: HttpTarget;
  close(): void;
}

/** Server names whose connections are kept at a time: strangers choose them where a rule takes all hostnames. */
const MAX_NAMES = 256;

/** A service that is asked for by the name in the request: connections for different names are different ones. */
export class TargetsByHost implements HttpTarget {
  readonly #make: (serverName: string) => NamedTarget;
  /** The one used last is the last. */
  readonly #targets = new Map<string, NamedTarget>();

  constructor(make: (serverName: string) => NamedTarget) {
    this.#make = make;
  }

  begin(stream: LinkStream, request: RequestHead, open: Opening): StreamConsumer | ResetCode {
    return this.#named(open.hostname).target.begin(stream, request, open);
  }

  close(): void {
    for (const named of this.#targets.values()) named.close();
  }

  #named(name: string): NamedTarget {
    const named = this.#targets.get(name) ?? this.#make(name);
    this.#targets.delete(name);
    this.#targets.set(name, named);
    if (this.#targets.size > MAX_NAMES) this.#dropOldest();
    return named;
  }

  #dropOldest(): void {
    const [oldest] = this.#targets;
    if (oldest === undefined) return;
    this.#targets.delete(oldest[0]);
    oldest[1].close();
  }
}
