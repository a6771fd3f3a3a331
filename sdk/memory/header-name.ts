import { lowerCase } from "../text/ascii";
import { Bytes } from "./bytes";

/**
 * A header name encoded once; pass it wherever a name is taken to save the encoding per call. Names of a proxy's maps
 * are lower case, so this one is too: it can be compared with them byte for byte.
 */
export class HeaderName {
  /** The name in lower case. */
  readonly text: string;
  /** Its bytes. */
  readonly bytes: Bytes;

  constructor(text: string) {
    const lower = lowerCase(text);
    this.text = lower;
    this.bytes = Bytes.of(lower);
  }
}
