import { findRoot } from "../contexts/registry";
import { collectIfDue } from "../memory/heap";

export function proxy_on_tick(rootId: u32): void {
  const root = findRoot(rootId);
  if (root == null) return;
  root.onTick();
  collectIfDue();
}
