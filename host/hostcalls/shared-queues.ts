import { Status } from "../../sdk/abi/status";
import type { Hostcalls } from "../abi/hostcalls";
import type { HostcallEnv } from "./env";

type Names =
  | "proxy_register_shared_queue"
  | "proxy_resolve_shared_queue"
  | "proxy_enqueue_shared_queue"
  | "proxy_dequeue_shared_queue";

const ENQUEUED = { ok: Status.Ok, unknown: Status.NotFound, full: Status.InternalFailure } as const;

export const sharedQueues = (env: HostcallEnv): Hostcalls<Names> => ({
  proxy_register_shared_queue(ptr, size, idAt) {
    const name = env.memory.latin1(ptr, size);
    if (name === undefined) return Status.InvalidMemoryAccess;
    const { deps } = env.instance;
    const { root } = env.context;
    const id = deps.sharedQueues.register(deps.vmId, name, (queue) => root.queueReady(queue));
    return id === undefined ? Status.InternalFailure : env.put32(idAt, id);
  },
  proxy_resolve_shared_queue(vmPtr, vmSize, ptr, size, idAt) {
    const vmId = env.memory.latin1(vmPtr, vmSize);
    const name = env.memory.latin1(ptr, size);
    if (vmId === undefined || name === undefined) return Status.InvalidMemoryAccess;
    const { deps } = env.instance;
    const id = deps.sharedQueues.resolve(vmId === "" ? deps.vmId : vmId, name);
    return id === undefined ? Status.NotFound : env.put32(idAt, id);
  },
  proxy_enqueue_shared_queue(id, ptr, size) {
    const data = env.memory.copy(ptr, size);
    if (!data) return Status.InvalidMemoryAccess;
    return ENQUEUED[env.instance.deps.sharedQueues.enqueue(id >>> 0, data)];
  },
  proxy_dequeue_shared_queue(id, pointerAt, sizeAt) {
    const item = env.instance.deps.sharedQueues.dequeue(id >>> 0);
    if (item === undefined) return Status.NotFound;
    return item === null ? Status.Empty : env.put(item, pointerAt, sizeAt);
  },
});
