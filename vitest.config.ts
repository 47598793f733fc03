import { defineConfig } from 'vitest/config';

// Tests run from source: workers and child processes are started by Node itself, which strips the types.
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    // As patient as the tests: the machine may have others to serve.
    expect: { poll: { timeout: 20_000 } },
    hookTimeout: 120_000,
  },
});
