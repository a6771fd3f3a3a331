import { expect, onTestFailed, onTestFinished } from "vitest";
import { matchers, type ProxyWasmMatchers } from "./matchers";
import { TestHost, type TestHostOptions } from "./test-host";

declare module "vitest" {
  interface Matchers<R extends void | Promise<void>, T> extends ProxyWasmMatchers<R> {}
}

expect.extend(matchers);

/**
 * A {@link TestHost} that is closed when the running test ends: what is left open then fails the test, and a test that
 * failed shows the log and the trace.
 *
 * @example
 * test("adds a header", async () => {
 *   const host = await startHost({ plugins: { module: "filters/hello" } });
 *   const exchange = host.request();
 *   expect(exchange).toBeForwarded();
 *   exchange.respond();
 * });
 */
export async function startHost(options: TestHostOptions): Promise<TestHost> {
  const host = await TestHost.start(options);
  let failed = false;
  onTestFailed(() => {
    failed = true;
    process.stderr.write(`${host.story()}\n`);
  });
  onTestFinished(() => {
    // The first failure is the one to look at.
    if (failed) host.abandon();
    else host.close();
  });
  return host;
}
