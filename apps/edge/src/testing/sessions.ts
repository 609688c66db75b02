import { randomUUID } from 'node:crypto';
import type { Link } from '@culvert/link';
import type { Session } from '../pool.ts';
import { TUNNEL } from './router-double.ts';

/** What a session's choice looks at. */
export interface FakeLink extends Link {
  available: boolean;
  congested: boolean;
}

export function fakeLink(more: { readonly available?: boolean } = {}): FakeLink {
  return { available: true, congested: false, ...more } as FakeLink;
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
    draining: false,
    turn: 0,
    turnedAt: 0,
    ...more,
  };
}
