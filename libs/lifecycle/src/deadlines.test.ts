import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { coarseNow } from './coarse-clock.ts';
import { Deadlined, Deadlines } from './deadlines.ts';

class Recorded extends Deadlined {
  readonly name: string;
  readonly told: string[];
  readonly then: () => void;

  constructor(name: string, deadline: number, told: string[], then: () => void = () => undefined) {
    super();
    this.name = name;
    this.deadline = deadline;
    this.told = told;
    this.then = then;
  }

  onDeadline(): void {
    this.deadline = Infinity;
    this.told.push(this.name);
    this.then();
  }
}

describe('Deadlines', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('tells each that is due once, and not the others', () => {
    const told: string[] = [];
    const deadlines = new Deadlines();
    deadlines.watch(new Recorded('due', coarseNow() - 1, told));
    deadlines.watch(new Recorded('later', coarseNow() + 3_600_000, told));
    vi.advanceTimersByTime(1_000);
    expect(told).toEqual(['due']);
    deadlines.stop();
  });

  it('forgets in any order without losing others', () => {
    const told: string[] = [];
    const deadlines = new Deadlines();
    const all = ['a', 'b', 'c', 'd'].map((name) => new Recorded(name, coarseNow() - 1, told));
    for (const one of all) deadlines.watch(one);
    deadlines.forget(all[1]!);
    deadlines.forget(all[3]!);
    deadlines.forget(all[3]!);
    expect(deadlines.size).toBe(2);
    expect(deadlines.all()).toEqual([all[2], all[0]]);
    vi.advanceTimersByTime(300);
    expect(told.sort()).toEqual(['a', 'c']);
    deadlines.stop();
  });

  it('does not tell one that another has ended in the same sweep', () => {
    const told: string[] = [];
    const deadlines = new Deadlines();
    const victim = new Recorded('victim', coarseNow() - 1, told);
    deadlines.watch(victim);
    deadlines.watch(new Recorded('killer', coarseNow() - 1, told, () => deadlines.forget(victim)));
    vi.advanceTimersByTime(1_000);
    expect(told).toEqual(['killer']);
    deadlines.stop();
  });

  it('has no timer while nothing is watched', () => {
    coarseNow(); // The coarse clock has a timer of its own.
    const others = vi.getTimerCount();
    const deadlines = new Deadlines();
    const one = new Recorded('one', Infinity, []);
    deadlines.watch(one);
    deadlines.watch(one);
    expect(vi.getTimerCount()).toBe(others + 1);
    deadlines.forget(one);
    vi.advanceTimersByTime(300);
    expect(vi.getTimerCount()).toBe(others);
  });
});
