import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.{ts,tsx}"],
    // Real browsers and models on two cores: generous for one test, bounded for all.
    testTimeout: 60_000,
    hookTimeout: 180_000,
    teardownTimeout: 20_000,
    // Most files drive processes of their own; two at once is what two cores carry.
    maxWorkers: 2,
    pool: "forks",
  },
})
