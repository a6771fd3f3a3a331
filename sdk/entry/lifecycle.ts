import { BufferType } from "../abi/buffer-type";
import { findRoot, removeRoot, rootContext } from "../contexts/registry";
import { addStream, findStream, removeStream } from "../contexts/stream-table";
import { configuration } from "../hostcalls/configuration";
import { logError } from "../hostcalls/logging";
import { allocate, collectIfDue } from "../memory/heap";

/** Says which ABI the module speaks; never called. */
export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_memory_allocate(size: usize): usize {
  return allocate(size);
}

export function proxy_on_context_create(id: u32, parentId: u32): void {
  if (parentId == 0) return; // a root context: made by proxy_on_vm_start, which can refuse it
  const root = rootContext(parentId);
  if (root == null) return;
  const stream = root.createStream!();
  stream.contextId = id;
  stream.rootContext = root;
  addStream(stream);
}

export function proxy_on_vm_start(rootId: u32, size: i32): u32 {
  const root = rootContext(rootId);
  if (root == null) return 0;
  return accepted(root.onVmStart(configuration(BufferType.VmConfiguration, size)));
}

export function proxy_on_configure(rootId: u32, size: i32): u32 {
  const root = rootContext(rootId);
  if (root == null) return 0;
  return accepted(root.onConfigure(configuration(BufferType.PluginConfiguration, size)));
}

function accepted(refusal: string | null): u32 {
  if (refusal != null) logError(`configuration refused: ${refusal}`);
  collectIfDue();
  return refusal == null ? 1 : 0;
}

export function proxy_on_done(id: u32): u32 {
  const stream = findStream(id);
  if (stream != null) {
    stream.onDone();
    collectIfDue();
    return 1;
  }
  const root = findRoot(id);
  return root == null || root.onDone() ? 1 : 0;
}

export function proxy_on_log(id: u32): void {
  const stream = findStream(id);
  if (stream != null) {
    stream.onLog();
    collectIfDue();
    return;
  }
  const root = findRoot(id);
  if (root != null) root.onLog();
  collectIfDue();
}

export function proxy_on_delete(id: u32): void {
  const stream = removeStream(id);
  if (stream != null) {
    stream.onDelete();
    collectIfDue();
    return;
  }
  const root = findRoot(id);
  if (root == null) return;
  removeRoot(id);
  root.onDelete();
  collectIfDue();
}
