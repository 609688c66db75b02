import type { PoolInfo } from '@culvert/signals';
import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { edgeName, isSiblingName, seenFrom, socketFor, socketPath } from './siblings.ts';

const SELF = { id: 'eu-1', boot: 'second' };
const pool = (more: Partial<PoolInfo>): PoolInfo => ({
  tunnel: 't',
  edge: 'eu-2',
  region: 'eu',
  boot: 'first',
  peers: '10.0.0.2:7001',
  sessions: 1,
  draining: false,
  ...more,
});

describe('a pool as it is seen from here', () => {
  it('of another edge is what that edge says', () => {
    expect(seenFrom(SELF, pool({ local: '/tmp/x.sock' }))).toEqual(pool({ local: '/tmp/x.sock' }));
  });

  it('of another edge that other edges cannot reach is none', () => {
    expect(seenFrom(SELF, pool({ peers: '', local: '/tmp/x.sock' }))).toBeUndefined();
  });

  it('of this process is none', () => {
    expect(seenFrom(SELF, pool({ edge: 'eu-1', boot: 'second', local: '/tmp/x.sock' }))).toBeUndefined();
  });

  it.each(['eu-1', 'eu-1/2'])('of another process of this edge (%s) is reached over its socket', (edge) => {
    const seen = seenFrom(SELF, pool({ edge, local: '/tmp/x.sock' }))!;
    expect(socketPath(seen.peers)).toBe('/tmp/x.sock');
    // Told from this process, and from others of the edge.
    expect(seen.edge).not.toBe(edge);
    expect(isSiblingName(seen.edge)).toBe(true);
    expect(seenFrom(SELF, pool({ edge, boot: 'third', local: '/tmp/y.sock' }))!.edge).not.toBe(seen.edge);
  });

  it('of an edge elsewhere that has the same name by mistake is none', () => {
    expect(seenFrom(SELF, pool({ edge: 'eu-1' }))).toBeUndefined();
  });
});

it('an edge has one name, whatever its workers are called', () => {
  expect([edgeName('eu-1'), edgeName('eu-1/2')]).toEqual(['eu-1', 'eu-1']);
});

it('the folder of the sockets is nobody else’s', () => {
  const { mode, uid } = lstatSync(dirname(socketFor(SELF)!));
  expect({ others: mode & 0o077, uid }).toEqual({ others: 0, uid: process.getuid!() });
});
