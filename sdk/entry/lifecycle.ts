import { BufferType } from "../abi/buffer-type";
import { LogLevel } from "../abi/log-level";
import { findRoot, removeRoot, rootContext, startRoot, streamContext } from "../contexts/registry";
import { addStream, removeStream } from "../contexts/stream-table";
import { proxy_log } from "../env";
import { configuration } from "../hostcalls/configuration";
import { allocate, collectIfDue } from "../memory/heap";
import { addText, LINE, takeLine } from "../memory/line";

/** Whether some root overrides `onVmStart`; set by `proxy-wasm build`. */
const READS_VM_CONFIGURATION: bool = true;

/** Says which ABI the module speaks; never called. */
export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_memory_allocate(size: usize): usize {
  return allocate(size);
}

export function proxy_on_context_create(id: u32, parentId: u32): void {
  if (parentId == 0) return; // a root context: made by proxy_on_vm_start, which can refuse it
  const root = rootContext(parentId);
  if (root == null) return;
  const create = root.createStream;
  if (create == null) return;
  const stream = create();
  stream.contextId = id;
  stream.rootContext = root;
  addStream(stream);
}

export function proxy_on_vm_start(rootId: u32, size: i32): u32 {
  if (!READS_VM_CONFIGURATION) return startRoot(rootId) ? 1 : 0;
  const root = rootContext(rootId);
  return root == null ? 0 : accepted(root.onVmStart(configuration(BufferType.VmConfiguration, size)));
}

export function proxy_on_configure(rootId: u32, size: i32): u32 {
  const root = rootContext(rootId);
  return root == null ? 0 : accepted(root.onConfigure(configuration(BufferType.PluginConfiguration, size)));
}

function accepted(refusal: string | null): u32 {
  if (refusal != null) {
    takeLine();
    addText("configuration refused: ");
    addText(refusal.length > 0 ? refusal : "no reason given");
    proxy_log(LogLevel.Error, LINE, takeLine());
  }
  collectIfDue();
  return refusal == null ? 1 : 0;
}

export function proxy_on_done(id: u32): u32 {
  const root = findRoot(id);
  if (root != null) return root.onDone() ? 1 : 0;
  const stream = streamContext(id);
  if (stream != null) stream.onDone();
  collectIfDue();
  return 1;
}

export function proxy_on_log(id: u32): void {
  const root = findRoot(id);
  const stream = root == null ? streamContext(id) : null;
  if (root != null) root.onLog();
  else if (stream != null) stream.onLog();
  collectIfDue();
}

export function proxy_on_delete(id: u32): void {
  const root = findRoot(id);
  if (root != null) {
    removeRoot(id);
    root.onDelete();
  } else {
    const stream = removeStream(id);
    if (stream != null) stream.onDelete();
  }
  collectIfDue();
}
