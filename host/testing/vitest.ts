import { expect, onTestFailed, onTestFinished } from "vitest";
import { matchers, type ProxyWasmMatchers } from "./matchers";
import { TestHost } from "./test-host";
import type { TestHostOptions } from "./test-host-options";

declare module "vitest" {
  interface Matchers<R extends void | Promise<void>, T> extends ProxyWasmMatchers<R> {}
}

expect.extend(matchers);

/** The part of a test's context that {@link startHost} needs. */
export interface TestHooks {
  onTestFailed(run: () => void): void;
  onTestFinished(run: () => void): void;
}

/**
 * A {@link TestHost} that is closed when the running test ends: what is left open then fails the test, and a test that
 * failed shows the log and the trace.
 *
 * @param hooks the test's own context; needed in concurrent tests only
 *
 * @example
 * test("adds a header", async () => {
 *   const host = await startHost({ plugins: { module: "filters/hello" } });
 *   const exchange = host.request();
 *   expect(exchange).toBeForwarded();
 *   exchange.respond();
 * });
 */
export async function startHost(
  options: TestHostOptions,
  hooks: TestHooks = { onTestFailed, onTestFinished },
): Promise<TestHost> {
  let host: TestHost | undefined;
  let failed = false;
  // Before anything is awaited: vitest knows the running test only until then.
  hooks.onTestFailed(() => {
    failed = true;
    if (host) process.stderr.write(`${host.story()}\n`);
  });
  hooks.onTestFinished(() => {
    // The first failure is the one to look at.
    if (failed) host?.abandon();
    else host?.close();
  });
  host = await TestHost.start(options);
  return host;
}
