import { Status } from "../abi/status";
import {
  proxy_dequeue_shared_queue,
  proxy_enqueue_shared_queue,
  proxy_register_shared_queue,
  proxy_resolve_shared_queue,
} from "../env";
import { Bytes } from "../memory/bytes";
import { encode, encodedSize } from "../memory/encode";
import { KEY, KEY_SIZE, OUT, OUT2, VALUE, VALUE_SIZE } from "../memory/layout";

/** A queue between plugins, also of other VMs. */
export class SharedQueue {
  /** A queue by the id that `onQueueReady` gets. */
  constructor(readonly id: u32) {}

  /** Opens a queue of this VM, made on first use; its `onQueueReady` calls go to the last plugin that did so. */
  static register(name: string): SharedQueue | null {
    const text = encode(name, KEY, KEY_SIZE);
    if (proxy_register_shared_queue(text, encodedSize(), OUT2) != Status.Ok) return null;
    return new SharedQueue(load<u32>(OUT2));
  }

  /** Finds a queue somebody registered, or null. An empty `vmId` is the own one. */
  static resolve(vmId: string, name: string): SharedQueue | null {
    const vm = encode(vmId, VALUE, VALUE_SIZE);
    const vmSize = encodedSize();
    const text = encode(name, KEY, KEY_SIZE);
    if (proxy_resolve_shared_queue(vm, vmSize, text, encodedSize(), OUT2) != Status.Ok) return null;
    return new SharedQueue(load<u32>(OUT2));
  }

  /** Puts an item at the end. */
  enqueue(item: Bytes): Status {
    return proxy_enqueue_shared_queue(this.id, item.ptr, <usize>item.length);
  }

  /** The oldest item, or null when the queue is empty. */
  dequeue(): Bytes | null {
    if (proxy_dequeue_shared_queue(this.id, OUT, OUT + 4) != Status.Ok) return null;
    return Bytes.take(load<usize>(OUT), load<usize>(OUT, 4));
  }
}
