import { defineConfig } from 'vitest/config';

// Real processes need a moment to start, and more on a busy machine; mostly they wait, so files run side by side.
export default defineConfig({
  root: import.meta.dirname,
  test: {
    name: '@culvert/system-tests',
    include: ['src/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 3,
  },
});
