import { defineConfig } from "vitest/config";

/** `npm run coverage` counts the lines of AssemblyScript too: modules get counters, see test/support/coverage. */
const counting = process.env.COVERAGE === "1";
const counters = counting ? ["test/support/coverage/build.ts"] : [];
/** What is about the very bytes that a build makes. */
const shapes = counting ? ["test/sdk/build.test.ts"] : [];

/** Four groups, one after the other: what needs no proxy, then both proxies side by side, whole programs, containers. */
export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 2,
    testTimeout: counting ? 120_000 : 15_000,
    hookTimeout: counting ? 300_000 : 60_000,
    reporters: [
      "default",
      "./test/support/reporters/conformance-table.ts",
      "./test/support/reporters/abi-page.ts",
      "./test/support/reporters/closing-line.ts",
    ],
    coverage: {
      provider: "custom",
      customProviderModule: "test/support/coverage/provider.ts",
      include: ["host/**/*.ts"],
      exclude: ["host/cli/**"],
      reporter: ["text", "lcovonly"],
      reportOnFailure: true,
    },
    setupFiles: counting ? ["test/support/coverage/setup.ts"] : [],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/{host,sdk,filters,contract,support}/**/*.test.ts"],
          exclude: ["test/{sdk,filters}/engines/**", ...shapes],
          globalSetup: ["test/support/setup/build.ts", ...counters],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "conformance",
          include: [
            "test/conformance/**/*.test.ts",
            "test/{sdk,filters}/engines/*.test.ts",
            "test/interop/*.test.ts",
            "examples/*/**/*.test.ts",
          ],
          globalSetup: ["test/support/setup/build.ts", ...counters, "test/support/setup/envoy.ts"],
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: ["test/support/setup/build.ts", "test/support/setup/envoy.ts"],
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: "docker",
          include: ["test/docker/*.test.ts"],
          globalSetup: ["test/support/setup/build.ts", "test/support/setup/docker.ts"],
          fileParallelism: false,
          testTimeout: 60_000,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
