import { defineConfig } from "vitest/config";

// One process per test file (forks): the suites start servers, send signals and look at open handles.
export default defineConfig({
  test: {
    pool: "forks",
    include: ["packages/*/src/**/*.test.ts", "packages/*/test/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
