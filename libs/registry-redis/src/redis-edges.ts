import { decodeCursor, encodeCursor } from '@culvert/registry';
import type { LeaseOutcome, Listed, Page, RegistryTimes } from '@culvert/registry';
import type { EdgeInfo, SessionInfo, SessionsMessage } from '@culvert/signals';
import type { Keys } from './keys.ts';
import { packUuid } from './packed-hex.ts';
import type { RedisClaims } from './redis-claims.ts';
import type { RedisLink } from './redis-link.ts';
import { decodeSession, encodeSession } from './session-lines.ts';

/** Edges without a lease for this long, in seconds, are taken out of the list of those to look at. */
const FORGET_AFTER = 3_600;
const OUTCOMES: readonly LeaseOutcome[] = ['fenced', 'renewed', 'resync'];

/** Edges under their leases, and their sessions. */
export class RedisEdges {
  readonly #link: RedisLink;
  readonly #keys: Keys;
  readonly #claims: RedisClaims;
  readonly #times: RegistryTimes;

  constructor(link: RedisLink, keys: Keys, claims: RedisClaims, times: RegistryTimes) {
    this.#link = link;
    this.#keys = keys;
    this.#claims = claims;
    this.#times = times;
  }

  async renew(edge: EdgeInfo): Promise<LeaseOutcome> {
    const keys = this.#keys.ofEdge(edge.id);
    await this.#link.run((redis) => redis.seen(this.#keys.edges, edge.id));
    const [outcome, claimsDue] = await this.#link.run((redis) =>
      redis.lease(
        ...keys,
        JSON.stringify(edge),
        edge.boot,
        this.#times.leaseTtl,
        this.#claims.renewalInterval,
      ),
    );
    if (claimsDue === 1) await this.#renewClaims(keys[6]);
    return OUTCOMES[outcome] ?? 'fenced';
  }

  async end(id: string, boot: string): Promise<'ended' | 'fenced'> {
    const ended = await this.#link.run((redis) => redis.leave(...this.#keys.ofEdge(id), boot));
    return ended === 1 ? 'ended' : 'fenced';
  }

  async list(): Promise<EdgeInfo[]> {
    const found = await Promise.all((await this.#ids()).map((id) => this.#lease(id)));
    return found.filter((edge) => edge !== undefined);
  }

  async apply(message: SessionsMessage): Promise<'applied' | 'fenced'> {
    const up = message.mode === 'all' ? message.sessions : message.up;
    const down = message.mode === 'all' ? [] : message.down;
    const head = [message.boot, message.seq, message.mode, up.length] as const;
    const applied = await this.#link.run((redis) =>
      redis.sessions(...this.#keys.ofEdge(message.edge), ...head, ...up.flatMap(encodeSession), ...down),
    );
    return applied === 1 ? 'applied' : 'fenced';
  }

  async sessions(page: Page & { readonly tunnel?: string }): Promise<Listed<SessionInfo>> {
    const [afterEdge = '', afterMember = ''] = page.cursor === undefined ? [] : decodeCursor(page.cursor, 2);
    const items: SessionInfo[] = [];
    let last: string | undefined;
    for (const id of await this.#ids()) {
      if (id < afterEdge) continue;
      const after = id === afterEdge ? afterMember : '';
      const members = await this.#members(id, page.tunnel, after, page.limit - items.length + 1);
      for (const { member, session } of await this.#read(id, members)) {
        if (items.length === page.limit) return { items, ...(last === undefined ? {} : { cursor: last }) };
        items.push(session);
        last = encodeCursor([id, member]);
      }
    }
    return { items };
  }

  /** `tunnel/session` of an edge, in order. */
  #members(edge: string, tunnel: string | undefined, after: string, limit: number): Promise<string[]> {
    const prefix = tunnel === undefined ? undefined : packUuid(tunnel);
    const first = prefix === undefined ? '-' : `[${prefix}/`;
    // '0' is the character after '/'.
    const end = prefix === undefined ? '+' : `(${prefix}0`;
    const byTunnel = this.#keys.ofEdge(edge)[5];
    const from = after === '' ? first : `(${after}`;
    return this.#link.run((redis) => redis.zrangebylex(byTunnel, from, end, 'LIMIT', 0, limit));
  }

  async #read(edge: string, members: readonly string[]): Promise<{ member: string; session: SessionInfo }[]> {
    if (members.length === 0) return [];
    const ids = members.map((member) => member.slice(member.indexOf('/') + 1));
    const stored = await this.#link.run((redis) => redis.hmget(this.#keys.ofEdge(edge)[4], ...ids));
    return members.flatMap((member, at) => {
      const text = stored[at];
      return text === undefined || text === null
        ? []
        : [{ member, session: decodeSession(edge, ids[at] ?? '', text) }];
    });
  }

  async #lease(id: string): Promise<EdgeInfo | undefined> {
    const text = await this.#link.run((redis) => redis.get(this.#keys.ofEdge(id)[0]));
    return text === null ? undefined : (JSON.parse(text) as EdgeInfo);
  }

  async #ids(): Promise<string[]> {
    return (await this.#link.run((redis) => redis.recent(this.#keys.edges, FORGET_AFTER))).sort();
  }

  async #renewClaims(key: string): Promise<void> {
    const stated = await this.#link.run((redis) => redis.hvals(key));
    await this.#claims.renew([...new Set(stated.flatMap((members) => JSON.parse(members) as string[]))]);
  }
}
