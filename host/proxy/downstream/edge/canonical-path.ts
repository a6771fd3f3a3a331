/**
 * The path canonicalisation of Chromium's URL library, which Envoy's `normalize_path` is. Idempotent: what it yields is
 * left as it is. Paths are Latin-1 text, one character a byte.
 */

const enum Class {
  /** Goes as it is; its escape stays one. */
  Plain,
  /** Goes as it is, and its escape is undone. */
  Unreserved,
  /** Is escaped. */
  Escaped,
  /** NUL: there is no such path. */
  Invalid,
}

const CLASSES: readonly Class[] = Array.from({ length: 256 }, (_, code) => {
  if (code === 0) return Class.Invalid;
  const character = String.fromCharCode(code);
  if (/[A-Za-z0-9\-._~]/.test(character)) return Class.Unreserved;
  return /[!$%&'()*+,/:;=@[\\\]]/.test(character) ? Class.Plain : Class.Escaped;
});

const SLASH = 47;
const BACKSLASH = 92;
const PERCENT = 37;
const DOT = 46;
const HEX = "0123456789ABCDEF";

/** Nothing in such a path changes: no segment begins with a dot, and no character has another form. */
const CANONICAL = /^(?:\/(?!\.)[A-Za-z0-9\-._~!$&'()*+,:;=@[\]]*)+$/;

/** Parameters of a dot segment, which servers of servlets leave out (`/..;x/`): Envoy does first, for plain dots (observed). */
const DOT_PARAMETERS = /\/(\.\.?);[^/]*/g;

/** The canonical form of a path without its query; undefined when it has none. */
export function canonicalPath(path: string): string | undefined {
  if (CANONICAL.test(path)) return path;
  return new Canonicalizer(path.includes(";") ? path.replace(DOT_PARAMETERS, "/$1") : path).run();
}

class Canonicalizer {
  private out: string[] = [];
  private at = 0;
  private valid = true;
  /** Where in `out` the last `%` stands that escapes nothing. */
  private strayPercent = -1;

  constructor(private readonly path: string) {}

  run(): string | undefined {
    const { path } = this;
    while (this.at < path.length) {
      const code = path.charCodeAt(this.at);
      const dot = this.dotAt(this.at);
      if (dot > 0) this.onDot(dot);
      else if (code === BACKSLASH) this.take("/");
      else if (code === PERCENT) this.onPercent();
      else if (CLASSES[code]! >= Class.Escaped) {
        if (CLASSES[code] === Class.Invalid) this.valid = false;
        this.take("%", HEX[code >> 4]!, HEX[code & 15]!);
      } else this.take(path[this.at]!);
    }
    return this.valid ? this.out.join("") : undefined;
  }

  private take(...characters: string[]): void {
    this.out.push(...characters);
    this.at++;
  }

  /** Length of the dot that stands there, plain or escaped; 0 = none does. */
  private dotAt(at: number): number {
    const { path } = this;
    if (path.charCodeAt(at) === DOT) return 1;
    return path.charCodeAt(at) === PERCENT && path[at + 1] === "2" && /[eE]/.test(path[at + 2] ?? "") ? 3 : 0;
  }

  private slashAt(at: number): boolean {
    const code = this.path.charCodeAt(at);
    return code === SLASH || code === BACKSLASH;
  }

  /** `.` and `..` are directories when they fill a segment. */
  private onDot(length: number): void {
    const after = this.at + length;
    const end = this.path.length;
    if (this.out.at(-1) === "/") {
      if (after === end || this.slashAt(after)) {
        this.at = after + 1;
        return;
      }
      const second = this.dotAt(after);
      const behind = after + second;
      if (second > 0 && (behind === end || this.slashAt(behind))) {
        this.toParent();
        this.at = behind + 1;
        return;
      }
    }
    this.out.push(".");
    this.at = after;
  }

  /** Back to the slash before the one that stands last; the first one stays. */
  private toParent(): void {
    const { out } = this;
    if (out.length > 1) out.length = Math.max(out.lastIndexOf("/", out.length - 2), 0) + 1;
    if (this.strayPercent >= out.length) this.strayPercent = -1;
  }

  private onPercent(): void {
    const { path, at, out } = this;
    const digits = path.slice(at + 1, at + 3);
    if (!/^[0-9A-Fa-f]{2}$/.test(digits)) {
      this.strayPercent = out.length;
      this.take("%");
      return;
    }
    this.at += 3;
    const code = Number.parseInt(digits, 16);
    const kind = CLASSES[code]!;
    if (kind !== Class.Unreserved) {
      if (kind === Class.Invalid) this.valid = false;
      out.push("%", digits[0]!, digits[1]!);
      return;
    }
    out.push(String.fromCharCode(code));
    if (this.strayPercent >= 0 && this.strayPercent >= out.length - 3) this.guardNested();
  }

  /** What was unescaped must not make an escape of a stray `%` in front of it: that `%` is escaped then. */
  private guardNested(): void {
    const { out, strayPercent: percent, path } = this;
    const last = out.at(-1)!;
    const next = path[this.at];
    const tail = percent === out.length - 2;
    if (tail && (next === undefined || next.charCodeAt(0) >= 0x80)) return;
    const first = tail ? last : out[percent + 1]!;
    const second = tail ? next! : last;
    if (!/^[0-9A-Fa-f]{2}$/.test(first + second)) return;
    // "%c" followed by c, or "%cc": both become "%25c", and the second c comes from the rest of the path, or behind.
    out.length = percent;
    out.push("%", "2", "5", first);
    if (!tail) out.push(second);
  }
}
