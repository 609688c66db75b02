import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { nextStep, shareLinks, type EdgeState } from './link-plan.ts';

function edge(key: string, more: Partial<EdgeState> = {}): EdgeState {
  return {
    key,
    preferred: true,
    attached: 0,
    dialing: 0,
    dialable: true,
    proven: true,
    doubtful: false,
    ...more,
  };
}

const sharesOf = (edges: readonly EdgeState[], wanted: number) =>
  Object.fromEntries(shareLinks(edges, wanted));

/** Acts on the plan, with every dial attached at once, until there is nothing to do. */
function settle(start: readonly EdgeState[], wanted: number) {
  let edges = [...start];
  const steps: string[] = [];
  for (let step = nextStep(edges, wanted); step !== undefined; step = nextStep(edges, wanted)) {
    const { act, key } = step;
    steps.push(`${act} ${key}`);
    if (steps.length > 100) throw new Error(`never settles: ${steps.join(', ')}`);
    const change = act === 'dial' ? 1 : -1;
    edges = edges.map((each) => (each.key === key ? { ...each, attached: each.attached + change } : each));
  }
  return { edges, steps, attached: Object.fromEntries(edges.map(({ key, attached }) => [key, attached])) };
}

describe('links', () => {
  it('are spread evenly over the edges', () => {
    expect(sharesOf([edge('a'), edge('b')], 4)).toEqual({ a: 2, b: 2 });
    expect(sharesOf([edge('a'), edge('b'), edge('c')], 4)).toEqual({ a: 2, b: 1, c: 1 });
    expect(sharesOf([edge('a')], 4)).toEqual({ a: 4 });
    expect(sharesOf([], 4)).toEqual({});
  });

  it('prefer the own region, but never hang on one edge when there are two', () => {
    const away = { preferred: false };
    expect(sharesOf([edge('x', away), edge('a'), edge('b')], 4)).toEqual({ a: 2, b: 2 });
    expect(sharesOf([edge('x', away), edge('a')], 4)).toEqual({ a: 3, x: 1 });
    expect(sharesOf([edge('x', away), edge('y', away)], 4)).toEqual({ x: 2, y: 2 });
  });

  it('stay with the first edge when there is to be one', () => {
    expect(sharesOf([edge('a'), edge('b')], 1)).toEqual({ a: 1 });
  });

  it('leave out an edge that must not be dialled yet, and come back to it without losing one', () => {
    const without = settle([edge('a'), edge('b', { dialable: false })], 4);
    expect(without.attached).toEqual({ a: 4, b: 0 });
    const back = settle([edge('a', { attached: 4 }), edge('b')], 4);
    expect(back.attached).toEqual({ a: 2, b: 2 });
    let links = 4;
    for (const step of back.steps) {
      links += step.startsWith('dial') ? 1 : -1;
      expect(links).toBeGreaterThanOrEqual(4);
    }
  });

  it('try an edge that has not shown itself yet one at a time', () => {
    expect(nextStep([edge('a', { proven: false })], 4)).toEqual({ act: 'dial', key: 'a' });
    expect(nextStep([edge('a', { proven: false, dialing: 1 })], 4)).toBe(undefined);
    expect(nextStep([edge('a', { dialing: 1 })], 4)).toEqual({ act: 'dial', key: 'a' });
  });

  it('do not wait for an edge that failed, but give it its share once it answers', () => {
    const failed = edge('b', { proven: false, doubtful: true });
    expect(nextStep([edge('a', { attached: 3 }), failed], 4)).toEqual({ act: 'dial', key: 'a' });
    expect(nextStep([edge('a', { attached: 4 }), failed], 4)).toEqual({ act: 'dial', key: 'b' });
    expect(nextStep([edge('a', { attached: 4 }), { ...failed, dialing: 1 }], 4)).toBe(undefined);
    expect(nextStep([edge('a', { attached: 4 }), { ...failed, dialable: false }], 4)).toBe(undefined);
  });

  it('settle from any state, with as many as wanted wherever an edge can be dialled', () => {
    const states = fc.array(
      fc.record({
        preferred: fc.boolean(),
        attached: fc.integer({ min: 0, max: 6 }),
        dialing: fc.integer({ min: 0, max: 3 }),
        dialable: fc.boolean(),
        proven: fc.boolean(),
        doubtful: fc.boolean(),
      }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(states, fc.integer({ min: 1, max: 16 }), (list, wanted) => {
        const start = list.map((state, at) => edge(`e${at}`, state));
        const { edges } = settle(start, wanted);
        const attached = edges.reduce((sum, each) => sum + each.attached, 0);
        const before = start.reduce((sum, each) => sum + each.attached, 0);
        expect(attached).toBeGreaterThanOrEqual(Math.min(wanted, before));
        expect(attached).toBeLessThanOrEqual(Math.max(wanted, 0));
        const allWork = start.every(
          ({ dialable, dialing, doubtful }) => dialable && dialing === 0 && !doubtful,
        );
        if (start.length > 0 && allWork) expect(attached).toBe(wanted);
      }),
    );
  });
});
