import * as env from "../../../sdk/env";
import { bytesOf } from "./bytes";
import { bytes, num, number32, OUT, text } from "./verbs";

/** Performs a verb of shared queues; the status, or -1 for another verb. */
export function queues(verb: string): i32 {
  if (verb == "register") {
    const name = text();
    return number32(env.proxy_register_shared_queue(bytesOf(name), name.length, OUT));
  }
  if (verb == "resolve") {
    const vm = text();
    const name = text();
    return number32(env.proxy_resolve_shared_queue(bytesOf(vm), vm.length, bytesOf(name), name.length, OUT));
  }
  if (verb == "enqueue") {
    const queue = num();
    const data = text();
    return env.proxy_enqueue_shared_queue(queue, bytesOf(data), data.length);
  }
  if (verb == "dequeue") return bytes(env.proxy_dequeue_shared_queue(num(), OUT, OUT + 4));
  return -1;
}
