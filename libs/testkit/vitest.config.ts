import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: '@culvert/testkit',
    include: ['src/**/*.test.ts'],
    testTimeout: 30_000,
    passWithNoTests: true,
  },
});
