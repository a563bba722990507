import { configDefaults, defineConfig } from "vitest/config";

// A whole deployment on this machine, some of it with figures: nothing else competes for the cores.
const DEPLOYED = ["packages/examples/test/crash/{deployment,live-page,profiles,service}.test.ts"];

// Projects, in groups one after the other: unit needs no Redis; integration starts its own; crash kills processes, and
// mostly waits for their leases to run out. One process per test file (forks): the suites start servers, send signals and
// look at open handles.
export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: { name: "unit", include: ["packages/*/src/**/*.test.ts"], sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: ["packages/*/test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, "packages/*/test/crash/**"],
          sequence: { groupOrder: 1 },
          maxWorkers: 2,
        },
      },
      // The same claims where Redis has another shape, and for a user with the documented rights and no others.
      ...["cluster", "sentinel", "quorum", "minimal-user"].map((topology) => ({
        extends: true as const,
        test: {
          name: topology,
          include: ["packages/cluster/test/coalescing/*.test.ts"],
          env: { SKEIN_TEST_TOPOLOGY: topology },
          sequence: { groupOrder: 3 },
          maxWorkers: 3,
        },
      })),
      {
        extends: true,
        test: {
          name: "crash",
          include: ["packages/*/test/crash/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...DEPLOYED],
          sequence: { groupOrder: 2 },
          maxWorkers: 2,
        },
      },
      {
        extends: true,
        test: {
          name: "deployed",
          include: DEPLOYED,
          sequence: { groupOrder: 4 },
          maxWorkers: 1,
        },
      },
      // What flights go through when processes are woken by lists: a share of the two above, run again.
      {
        extends: true,
        test: {
          name: "list",
          include: ["packages/cluster/test/coalescing/*.test.ts"],
          env: { SKEIN_WAKEUP: "list" },
          sequence: { groupOrder: 1 },
          maxWorkers: 2,
        },
      },
      {
        extends: true,
        test: {
          name: "list-crash",
          include: [
            "packages/cluster/test/crash/{leader-death,redis-trouble,stampede,faults/connections,faults/processes}.test.ts",
          ],
          env: { SKEIN_WAKEUP: "list" },
          sequence: { groupOrder: 2 },
          maxWorkers: 2,
        },
      },
      {
        extends: true,
        test: {
          name: "minimal-user-crash",
          include: ["packages/cluster/test/crash/{leader-death,lost-inbox,mixed-fleet}.test.ts"],
          env: { SKEIN_TEST_TOPOLOGY: "minimal-user" },
          sequence: { groupOrder: 2 },
          maxWorkers: 2,
        },
      },
      {
        extends: true,
        test: {
          name: "cluster-crash",
          include: ["packages/cluster/test/crash/leader-death.test.ts"],
          env: { SKEIN_TEST_TOPOLOGY: "cluster" },
          sequence: { groupOrder: 2 },
          maxWorkers: 2,
        },
      },
    ],
    pool: "forks",
    allowOnly: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
