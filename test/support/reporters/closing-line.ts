import type { Reporter, SerializedError, TestModule, TestRunEndReason } from "vitest/node";

/** Ends the run with one plain line that scripts can read: `12 passed, 0 failed, 3 skipped`. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(
    modules: readonly TestModule[],
    errors: readonly SerializedError[],
    reason: TestRunEndReason,
  ): void {
    const count = { passed: 0, failed: errors.length, skipped: 0 };
    for (const module of modules) {
      let failed = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") count.passed++;
        else if (state === "failed") failed++;
        else count.skipped++;
      }
      // A file that cannot be loaded, or whose hooks fail, has no failing test of its own.
      if (failed === 0 && module.state() === "failed") failed = 1;
      count.failed += failed;
    }
    // Nothing ran at all: a setup failed, or there is nothing to run.
    if (count.failed === 0 && (reason === "failed" || modules.length === 0)) count.failed = 1;
    process.stdout.write(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`);
  }
}
