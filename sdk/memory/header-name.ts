import { lowerCase } from "../text/ascii";
import { Bytes } from "./bytes";
import { breaksLine } from "./encode";

/**
 * A header name encoded once, for names that come from a configuration (literals are encoded once by themselves) and
 * for look-ups in `Pairs`; pass it wherever a name is taken. Names of a proxy's maps are lower case, so this one is too:
 * it can be compared with them byte for byte.
 */
export class HeaderName {
  /** The name in lower case. */
  readonly text: string;
  /** Its bytes. */
  readonly bytes: Bytes;
  /** @internal Whether it has NUL, CR or LF, so that no map takes it. */
  readonly breaksLine: bool;

  constructor(text: string) {
    const lower = lowerCase(text);
    this.text = lower;
    const bytes = Bytes.of(lower);
    this.bytes = bytes;
    this.breaksLine = breaksLine(bytes.ptr, <usize>bytes.length);
  }
}
