import { parseEdgeAddress, type EdgeAddress } from '@culvert/settings';
import { describe, expect, it } from 'vitest';
import { EdgeList } from './edge-list.ts';

function addressOf(text: string): EdgeAddress {
  const address = parseEdgeAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}

function listOf(learns: boolean, ...configured: readonly string[]): EdgeList {
  return new EdgeList({ configured: configured.map(addressOf), learns, seed: 'agent', random: () => 0.5 });
}

const keys = (list: EdgeList): string[] => list.all.map(({ key }) => key).sort();
const advertised = (id: string, address: string) => ({ id, region: 'eu', address });

describe('the list of edges', () => {
  it('adds what edges tell, and drops what they no longer tell', () => {
    const list = listOf(true, '127.0.0.1:1');
    list.learn([advertised('b', '127.0.0.1:2'), advertised('c', 'edge.test:3')]);
    expect(keys(list)).toEqual(['tcp://127.0.0.1:1', 'tcp://127.0.0.1:2', 'tls://edge.test:3']);
    list.learn([advertised('c', 'edge.test:3')]);
    expect(keys(list)).toEqual(['tcp://127.0.0.1:1', 'tls://edge.test:3']);
  });

  it('names an edge once, by the address that was configured', () => {
    const list = listOf(true, 'localhost:1');
    list.all[0]!.id = 'a';
    list.learn([advertised('a', '127.0.0.1:1'), advertised('b', '127.0.0.1:2')]);
    expect(keys(list)).toEqual(['tcp://127.0.0.1:2', 'tcp://localhost:1']);
  });

  it('keeps what it knows of an edge that is told again', () => {
    const list = listOf(true, '127.0.0.1:1');
    list.learn([advertised('b', '127.0.0.1:2')]);
    const before = list.all.find(({ id }) => id === 'b')!;
    before.notBefore = 42;
    list.learn([advertised('b', '127.0.0.1:2')]);
    expect(list.all.find(({ id }) => id === 'b')).toBe(before);
  });

  it('lets an edge that has started anew be dialled soon, however often the earlier one failed', () => {
    const list = listOf(true, '127.0.0.1:1');
    const told = (boot: string) => [
      { ...advertised('a', '127.0.0.1:1'), boot },
      { ...advertised('b', '127.0.0.1:2'), boot },
    ];
    list.learn(told('b1'));
    const fail = () => {
      for (const edge of list.all) {
        for (let n = 0; n < 8; n++) edge.notBefore = performance.now() + edge.backoff.next() + 15_000;
        edge.draining = true;
      }
    };
    fail();
    list.learn(told('b1'));
    for (const edge of list.all) expect(edge.notBefore - performance.now()).toBeGreaterThan(10_000);
    list.learn(told('b2'));
    for (const edge of list.all) {
      expect(edge).toMatchObject({ draining: false, backoff: { failures: 0 } });
      // Not all agents at the same moment.
      expect(edge.notBefore - performance.now()).toBeGreaterThan(500);
      expect(edge.notBefore - performance.now()).toBeLessThanOrEqual(1_000);
    }
    // Another edge may tell late of the earlier one.
    fail();
    list.learn(told('b1'));
    for (const edge of list.all) expect(edge.draining).toBe(true);
  });

  it('has an edge dialled that failed and is told of for the first time', () => {
    const list = listOf(true, '127.0.0.1:1');
    const [edge] = list.all;
    for (let n = 0; n < 8; n++) edge!.notBefore = performance.now() + edge!.backoff.next() + 15_000;
    list.learn([{ ...advertised('a', '127.0.0.1:1'), boot: 'b1' }]);
    expect(edge!.notBefore - performance.now()).toBeLessThanOrEqual(1_000);
  });

  it('gives an edge that has joined a moment only where there is time', () => {
    for (const [hasTime, least] of [
      [true, 500],
      [false, -Infinity],
    ] as const) {
      const list = listOf(true, '127.0.0.1:1');
      list.learn([advertised('b', '127.0.0.1:2')], hasTime);
      const wait = list.all.find(({ id }) => id === 'b')!.notBefore - performance.now();
      expect(wait).toBeGreaterThanOrEqual(least);
      expect(wait > 0).toBe(hasTime);
    }
  });

  it('leaves out addresses that cannot be read, and learns nothing where it must not', () => {
    const list = listOf(true, '127.0.0.1:1');
    list.learn([advertised('b', 'no address')]);
    expect(keys(list)).toEqual(['tcp://127.0.0.1:1']);
    const fixed = listOf(false, '127.0.0.1:1', '127.0.0.1:0002');
    fixed.learn([advertised('b', '127.0.0.1:3')]);
    expect(fixed.all.map(({ key }) => key)).toEqual(['tcp://127.0.0.1:1', 'tcp://127.0.0.1:2']);
  });
});
