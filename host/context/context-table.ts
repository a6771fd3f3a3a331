import type { Context } from "./context";

/** Slots of the ring; a power of two. */
const SLOTS = 1024;

/**
 * Contexts alive by id. Ids are given out one after the other and most contexts go soon, so that a ring of slots nearly
 * always has room: the few that live longer (roots, slow streams) move aside when their slot's turn comes again.
 */
export class ContextTable {
  private readonly recent = new Array<Context | undefined>(SLOTS).fill(undefined);
  private readonly older = new Map<number, Context>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  get(id: number): Context | undefined {
    const recent = this.recent[id & (SLOTS - 1)];
    return recent?.id === id ? recent : this.older.get(id);
  }

  set(id: number, context: Context): void {
    const slot = id & (SLOTS - 1);
    const before = this.recent[slot];
    if (before) this.older.set(before.id, before);
    this.recent[slot] = context;
    this.count++;
  }

  delete(id: number): void {
    const slot = id & (SLOTS - 1);
    if (this.recent[slot]?.id === id) this.recent[slot] = undefined;
    else if (!this.older.delete(id)) return;
    this.count--;
  }
}
