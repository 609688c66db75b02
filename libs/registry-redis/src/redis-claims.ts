import { RegistryDownError, routeId, tokenId } from '@culvert/registry';
import type { Claim, ClaimOutcome, RegistryTimes, RouteRecord } from '@culvert/registry';
import type { Keys } from './keys.ts';
import { packHex, packUuid, unpackUuid } from './packed-hex.ts';
import type { RedisLink } from './redis-link.ts';
import type { RedisRoutes } from './redis-routes.ts';
import type { StoredRoute } from './route-lines.ts';

const CLAIM_ATTEMPTS = 64;
/** Claims that one call handles at most; the rest is left to the next. */
const BATCH = 500;
/** Leases renew claims this many times within a grace time, not each time. */
const RENEWALS_PER_GRACE = 6;

/**
 * Claims are routes that say which token made them, and members of a set ordered by the time they end.
 *
 * A claim that has run out is removed route first. Whoever wants it again meanwhile begins the member anew and then
 * changes the route's text: of the two changes of the route only one succeeds, and the other side looks again.
 */
export class RedisClaims {
  readonly #link: RedisLink;
  readonly #keys: Keys;
  readonly #routes: RedisRoutes;
  readonly #times: RegistryTimes;

  constructor(link: RedisLink, keys: Keys, routes: RedisRoutes, times: RegistryTimes) {
    this.#link = link;
    this.#keys = keys;
    this.#routes = routes;
    this.#times = times;
  }

  /** Time between two renewals by the leases of one edge, in ms. */
  get renewalInterval(): number {
    return Math.ceil(this.#times.claimGrace / RENEWALS_PER_GRACE);
  }

  async claim(claim: Claim): Promise<ClaimOutcome> {
    const id = routeId(claim);
    const member = memberOf(id, claim.tunnel);
    for (let attempt = 0; attempt < CLAIM_ATTEMPTS; attempt++) {
      const { text, stored } = await this.#routes.read(id);
      const verdict = await this.#judge(claim, member, stored);
      if (verdict !== 'granted' && verdict !== 'again') return verdict;
      await this.#hold('begin', [member]);
      if (!(await this.#routes.swap(id, text, routeOf(claim, id, stored)))) continue;
      const former = stored === undefined ? member : memberOf(id, stored.record.route.tunnel);
      if (former !== member) await this.#link.run((redis) => redis.zrem(this.#keys.claims, former));
      return verdict === 'again' ? 'held' : 'granted';
    }
    throw new RegistryDownError();
  }

  /** Prolongs claims that sessions state, given as members, where they still stand. */
  async renew(members: readonly string[]): Promise<void> {
    for (let at = 0; at < members.length; at += BATCH)
      await this.#hold('renew', members.slice(at, at + BATCH));
  }

  async expire(): Promise<RouteRecord[]> {
    const members = await this.#link.run((redis) => redis.lapsed(this.#keys.claims, BATCH));
    const removed: RouteRecord[] = [];
    for (const member of members) {
      const record = await this.#remove(member);
      if (record !== undefined) removed.push(record);
    }
    if (members.length > 0) await this.#link.run((redis) => redis.drop(this.#keys.claims, ...members));
    return removed;
  }

  /** `again`: the tunnel's own claim that has run out, and which somebody may be about to remove. */
  async #judge(
    { tunnel, digest }: Claim,
    member: string,
    stored: StoredRoute | undefined,
  ): Promise<ClaimOutcome | 'again'> {
    if (stored === undefined) return 'granted';
    const { route, source } = stored.record;
    if (source !== 'claim') return route.tunnel === tunnel ? 'configured' : 'taken';
    if (route.tunnel === tunnel) return (await this.#hold('renew', [member])) === 1 ? 'held' : 'again';
    if (holderOf(stored) === packHex(tokenId(digest))) return 'granted';
    return (await this.#lapsed(memberOf(route.id, route.tunnel))) ? 'granted' : 'taken';
  }

  async #remove(member: string): Promise<RouteRecord | undefined> {
    const { id, tunnel } = parseMember(member);
    for (let attempt = 0; attempt < CLAIM_ATTEMPTS; attempt++) {
      const { text, stored } = await this.#routes.read(id);
      if (stored?.record.source !== 'claim' || stored.record.route.tunnel !== tunnel) return undefined;
      if (!(await this.#lapsed(member))) return undefined;
      if (await this.#routes.swap(id, text, undefined)) return stored.record;
    }
    return undefined;
  }

  async #lapsed(member: string): Promise<boolean> {
    return (await this.#link.run((redis) => redis.lapsed(this.#keys.claims, 0, member))).length === 1;
  }

  #hold(mode: 'begin' | 'renew', members: readonly string[]): Promise<number> {
    // A session outlives its last sign by a lease, and the next renewal may be a whole interval away.
    const ms = this.#times.leaseTtl + this.#times.claimGrace + this.renewalInterval;
    return this.#link.run((redis) => redis.hold(this.#keys.claims, ms, mode, ...members));
  }
}

/** A claim in the ordered set: the route's id and the tunnel that holds it. */
export const memberOf = (id: string, tunnel: string): string => `${id} ${packUuid(tunnel)}`;

function parseMember(member: string): { readonly id: string; readonly tunnel: string } {
  const space = member.lastIndexOf(' ');
  return { id: member.slice(0, space), tunnel: unpackUuid(member.slice(space + 1)) };
}

/** The claim as a route whose text differs from what is stored. */
function routeOf({ digest, ...target }: Claim, id: string, stored: StoredRoute | undefined): StoredRoute {
  const holder = stored?.record.route.tunnel === target.tunnel ? holderOf(stored) : packHex(tokenId(digest));
  const change = stored?.holder?.endsWith('+') === true ? '' : '+';
  return { record: { route: { id, ...target }, source: 'claim' }, holder: `${holder}${change}` };
}

const holderOf = (stored: StoredRoute): string => (stored.holder ?? '').replace(/\+$/, '');
