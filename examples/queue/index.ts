import {
  Bytes,
  HttpCall,
  HttpFilter,
  logInfo,
  Pairs,
  RootContext,
  registerHttp,
  SharedQueue,
  Status,
} from "proxy-wasm-toolkit/sdk";

const QUEUE = "requests";
/** `vm_id` of the consumer: a queue belongs to the VM that registered it. */
const CONSUMER_VM = "consumer";

/** Finds the queue when it is first needed: the consumer may be configured after the producer. */
class Producer extends RootContext {
  private queue: SharedQueue | null = null;

  put(line: string): void {
    if (this.queue == null) this.queue = SharedQueue.resolve(CONSUMER_VM, QUEUE);
    const queue = this.queue;
    if (queue != null) queue.enqueue(Bytes.of(line));
  }
}

/** Puts a line into the queue for each request that has ended: no request waits for it. */
class Produce extends HttpFilter {
  onLog(): void {
    const line = `${this.request.method || "-"} ${this.request.path || "-"} ${this.response.code}`;
    (this.root as Producer).put(line);
  }
}
registerHttp<Produce, Producer>("producer");

/** Takes lines out of the queue, in whatever VM and thread it runs, and posts them to the cluster `collector`. */
class Consumer extends RootContext {
  onConfigure(config: string): string | null {
    return SharedQueue.register(QUEUE) == null ? "no queue" : null;
  }

  onQueueReady(queueId: u32): void {
    const queue = new SharedQueue(queueId);
    // One call comes per item, but an earlier one may have taken it already.
    for (let item = queue.dequeue(); item != null; item = queue.dequeue()) this.post(item);
  }

  private post(line: Bytes): void {
    const headers = new Pairs().add(":method", "POST").add(":path", "/lines").add(":authority", "collector");
    const status = new Post().send(this, "collector", headers, line);
    if (status != Status.Ok) logInfo(`not posted (${status}): ${line.toString()}`);
  }
}

class Post extends HttpCall {
  onResponse(): void {
    if (this.status != 200) logInfo(`the collector answered ${this.status}`);
  }
}

// A consumer has nothing to do with requests: the base class lets them pass, and no callback is exported for it.
registerHttp<HttpFilter, Consumer>("consumer");
