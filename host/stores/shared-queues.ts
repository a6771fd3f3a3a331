import type { Clock } from "../clock";

/** Most items one queue holds, and most queues there are: a guest that never reads cannot fill the host. */
const MAX_ITEMS = 100_000;
const MAX_QUEUES = 10_000;

interface Queue {
  readonly items: Buffer[];
  /** Tells the last registrant that there is something to take. */
  notify: () => void;
}

/** Queues shared by every VM of the process, found by vm_id and name. */
export class SharedQueues {
  private readonly ids = new Map<string, number>();
  private readonly queues = new Map<number, Queue>();

  constructor(private readonly clock: Pick<Clock, "soon">) {}

  private key(vmId: string, name: string): string {
    return `${vmId.length}:${vmId}${name}`;
  }

  /** Opens or creates a queue; items stay, notifications move to the new registrant. Undefined = too many queues. */
  register(vmId: string, name: string, notify: (id: number) => void): number | undefined {
    const key = this.key(vmId, name);
    const known = this.ids.get(key);
    if (known === undefined && this.queues.size >= MAX_QUEUES) return undefined;
    const id = known ?? this.queues.size + 1;
    this.ids.set(key, id);
    const queue = this.queues.get(id);
    if (queue) queue.notify = () => notify(id);
    else this.queues.set(id, { items: [], notify: () => notify(id) });
    return id;
  }

  resolve(vmId: string, name: string): number | undefined {
    return this.ids.get(this.key(vmId, name));
  }

  /** False for an unknown id or a full queue. Each item brings one notification, later and not merged. */
  enqueue(id: number, data: Buffer): "ok" | "unknown" | "full" {
    const queue = this.queues.get(id);
    if (!queue) return "unknown";
    if (queue.items.length >= MAX_ITEMS) return "full";
    queue.items.push(data);
    this.clock.soon(() => queue.notify());
    return "ok";
  }

  /** The oldest item; undefined = unknown id, null = empty. */
  dequeue(id: number): Buffer | null | undefined {
    const queue = this.queues.get(id);
    return queue && (queue.items.shift() ?? null);
  }
}
