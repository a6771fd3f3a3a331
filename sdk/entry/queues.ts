import { findRoot } from "../contexts/registry";
import { collectIfDue } from "../memory/heap";

export function proxy_on_queue_ready(rootId: u32, queueId: u32): void {
  const root = findRoot(rootId);
  if (root == null) return;
  root.onQueueReady(queueId);
  collectIfDue();
}
