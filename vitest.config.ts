import { defineConfig } from 'vitest/config';

/** They run the command line as a process, and so what is built from these sources. */
const OF_THE_COMMAND = [
  'test/cli/deploy/process.test.ts',
  'test/cli/modules.test.ts',
  'test/e2e/**/*.test.ts',
  'test/kill/**/*.test.ts',
];
/** They load the CDK, which takes seconds: once for all, as nothing in them changes anything. */
const OF_THE_STACK = ['test/stack/**/*.test.ts'];
/** They start servers or search long; `npm run test:unit` does without. */
const LONG = [
  'test/aws/cloud-moto.test.ts',
  'test/aws/every-call-*.test.ts',
  'test/aws/pipeline-weather.test.ts',
  'test/aws/weather.test.ts',
  'test/cli/deploy/moto.test.ts',
  'test/contract/moto.test.ts',
  'test/handlers/bundle.test.ts',
  'test/live/**/*.test.ts',
  'test/pipeline/reliability.test.ts',
];

export default defineConfig({
  test: {
    // Half of the time is waiting for processes: both cores of a small machine are used.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...OF_THE_COMMAND, ...OF_THE_STACK, ...LONG],
        },
      },
      { extends: true, test: { name: 'long', include: LONG } },
      { extends: true, test: { name: 'stack', include: OF_THE_STACK, isolate: false } },
      {
        extends: true,
        test: { name: 'cli', include: OF_THE_COMMAND, globalSetup: ['test/support/build-cli.ts'] },
      },
    ],
  },
});
