import { describe, expect, it } from 'vitest';
import { Generations } from './generations.ts';

describe('a generation', () => {
  it('is shared by all links of one attachment and grows when the last was lost', () => {
    const generations = new Generations(1_000);
    expect(generations.current('a')).toBe(1_000);
    generations.attached('a', 1_000);
    generations.attached('a', 1_000);
    generations.lost('a');
    expect(generations.current('a')).toBe(1_000);
    generations.lost('a');
    expect(generations.current('a')).toBe(1_001);
    expect(generations.current('b')).toBe(1_000);
  });

  it('goes beyond what the edge has heard of', () => {
    const generations = new Generations(1_000);
    generations.outdated('a', 5_000);
    expect(generations.current('a')).toBe(5_000);
    generations.outdated('a', 2_000);
    expect(generations.current('a')).toBe(5_001);
  });
});
