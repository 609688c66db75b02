import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { name: '@culvert/agent', include: ['src/**/*.test.ts'], testTimeout: 30_000, passWithNoTests: true },
});
