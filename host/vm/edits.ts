interface Edit {
  /** The stretch of the original that it takes the place of. */
  start: number;
  end: number;
  bytes: readonly number[];
}

/** Changes to the bytes of a module, each against the original; they must not overlap. */
export class Edits {
  private list: Edit[] = [];

  replace(start: number, end: number, bytes: readonly number[]): void {
    this.list.push({ start, end, bytes });
  }

  insert(at: number, bytes: readonly number[]): void {
    this.replace(at, at, bytes);
  }

  /** The original with all changes. */
  apply(original: Uint8Array): Uint8Array<ArrayBuffer> {
    // What is put before a stretch comes before what takes its place.
    this.list.sort((a, b) => a.start - b.start || a.end - b.end);
    const growth = this.list.reduce((sum, { start, end, bytes }) => sum + bytes.length - (end - start), 0);
    const out = new Uint8Array(original.length + growth);
    let read = 0;
    let written = 0;
    const copy = (part: Uint8Array) => {
      out.set(part, written);
      written += part.length;
    };
    for (const { start, end, bytes } of this.list) {
      copy(original.subarray(read, start));
      out.set(bytes, written);
      written += bytes.length;
      read = end;
    }
    copy(original.subarray(read));
    return out;
  }

  /** Where in the original stood what is at `offset` once the changes are made; what is new takes the place of its change. */
  original(offset: number): number {
    let moved = 0;
    for (const { start, end, bytes } of this.list) {
      if (start + moved > offset) break;
      if (offset < start + moved + bytes.length) return start;
      moved += bytes.length - (end - start);
    }
    return offset - moved;
  }
}
