import { expect, it } from 'vitest';
import { footprintOf, growth } from './footprint.ts';

it('a process has memory and descriptors', () => {
  const { memoryBytes, descriptors } = footprintOf(process.pid);
  expect(memoryBytes).toBeGreaterThan(10_000_000);
  expect(descriptors).toBeGreaterThan(3);
});

it('growth is what a line through all samples gains, whatever single ones do', () => {
  const samples = (values: readonly number[]) => values.map((value, n) => ({ at: n * 10, value }));
  expect(growth(samples([5, 5, 5, 5]))).toBe(0);
  expect(growth(samples([1, 2, 3, 4]))).toBeCloseTo(3);
  expect(Math.abs(growth(samples([1, 9, 1, 9, 1, 9, 1, 9, 1])))).toBeLessThan(0.001);
  expect(growth(samples([7]))).toBe(0);
});
