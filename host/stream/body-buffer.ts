const EMPTY = Buffer.alloc(0);

/** Body bytes a filter holds back. `touched` also remembers an empty last frame, which must still be passed on. */
export class BodyBuffer {
  private parts: Buffer[] = [];
  length = 0;
  touched = false;

  append(chunk: Buffer): void {
    this.touched = true;
    if (chunk.length === 0) return;
    this.parts.push(chunk);
    this.length += chunk.length;
  }

  /** Everything held, in one piece. */
  bytes(): Buffer {
    if (this.parts.length === 0) return EMPTY;
    if (this.parts.length > 1) this.parts = [Buffer.concat(this.parts, this.length)];
    return this.parts[0]!;
  }

  replace(data: Buffer): void {
    this.touched = true;
    this.parts = data.length === 0 ? [] : [data];
    this.length = data.length;
  }

  take(): Buffer {
    const all = this.bytes();
    this.parts = [];
    this.length = 0;
    this.touched = false;
    return all;
  }
}
