import { setTimeout as sleep } from "node:timers/promises";
import { type AdminAddress, askActiveRequests, askAdmin } from "./admin-client";

const POLL_MS = 20;

/**
 * Lets requests under way finish: no new connections, `connection: close` on what is answered, until nothing is active,
 * `ended` resolves, or `drainMs` are over.
 */
export async function drain(admin: AdminAddress, drainMs: number, ended: Promise<unknown>): Promise<void> {
  let over = false;
  void ended.then(() => {
    over = true;
  });
  const deadline = performance.now() + drainMs;
  try {
    await askAdmin(admin, "POST", "/healthcheck/fail");
    await askAdmin(admin, "POST", "/drain_listeners");
    while (!over && performance.now() < deadline && (await askActiveRequests(admin)) > 0)
      await sleep(POLL_MS);
  } catch {
    // The admin interface is gone: so is Envoy, or about to be.
  }
}
