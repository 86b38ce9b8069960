import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // The tests of the real process run what is built from these sources.
    globalSetup: ['test/support/build-cli.ts'],
    // Half of the time is waiting for processes: both cores of a small machine are used.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 30_000,
  },
});
