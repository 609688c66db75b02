import { randomUUID } from 'node:crypto';
import type { Link } from '@culvert/link';
import { Ejection, Health } from '../pool/ejection.ts';
import type { PoolsOptions } from '../pool/pools.ts';
import type { Session } from '../pool/pool.ts';
import { TUNNEL } from './router-double.ts';

/** Pools that set aside by the defaults, without chance. */
export const POOLS: PoolsOptions = {
  ejection: new Ejection({ failures: 5, base: 5_000, most: 60_000, share: 100 }, () => 0.5),
  balance: 'roundRobin',
  onSetAside: () => undefined,
};

/** What a session's choice looks at. */
export interface FakeLink extends Link {
  available: boolean;
  congested: boolean;
  suspect: boolean;
  openStreams: number;
}

export function fakeLink(more: { readonly available?: boolean } = {}): FakeLink {
  return { available: true, congested: false, suspect: false, openStreams: 0, ...more } as FakeLink;
}

/** A session with one link, unless it is told otherwise. */
export function sessionOf(more: Partial<Session> = {}): Session {
  return {
    id: randomUUID(),
    tunnel: TUNNEL,
    agent: randomUUID(),
    generation: 1,
    address: '192.0.2.1:4000',
    software: 'test',
    since: 0,
    digest: 'd'.repeat(64),
    claims: { hostnames: [], ports: [] },
    links: [fakeLink()],
    health: new Health(),
    draining: false,
    turn: 0,
    turnedAt: 0,
    ...more,
  };
}
