import { findRoot } from "../contexts/registry";
import { collectIfDue } from "../memory/heap";

export function proxy_on_foreign_function(rootId: u32, functionId: u32, size: u32): void {
  const root = findRoot(rootId);
  if (root == null) return;
  root.onForeignFunction(functionId);
  collectIfDue();
}
