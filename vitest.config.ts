import { defineConfig } from "vitest/config"

/** Files that drive browsers, servers and devices: one at a time, since what they claim includes deadlines that two cores can only keep alone. */
const alone = ["test/{e2e,conformance,chaos,kernels,attacks}/**/*.test.ts", "test/unit/{sdk-*,store-opfs}.test.ts"]

const common = {
  // Real browsers and models on two cores: generous for one test, bounded for all.
  testTimeout: 60_000,
  hookTimeout: 180_000,
  teardownTimeout: 20_000,
  // `expect.poll` ends as soon as it holds; a busy machine must not make it give up.
  expect: { poll: { timeout: 20_000 } },
  setupFiles: "test/support/ends-with-vitest.ts",
  // Processes, not threads: native modules (Dawn, ONNX Runtime) read the environment of theirs.
  pool: "forks" as const,
}

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...common,
          name: "parts",
          include: ["test/**/*.test.{ts,tsx}"],
          exclude: alone,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      { test: { ...common, name: "whole", include: alone, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
})
