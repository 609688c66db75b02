import { defineConfig } from 'vitest/config';

// Mostly they wait, so files run side by side; faults of one site come one after the other.
export default defineConfig({
  root: import.meta.dirname,
  test: {
    name: '@culvert/chaos-tests',
    include: ['src/**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
