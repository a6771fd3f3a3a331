import { parseFormat } from "./parse";
import type { FormatScope, Need } from "./scope";
import { textOf } from "./value";

/** A format that is ready to be filled. */
export interface Format {
  readonly needs: ReadonlySet<Need>;
  /** Set when there is nothing to be filled in. */
  readonly constant?: string;
  /** Text as bytes, one character each. */
  format(scope: FormatScope): string;
}

/**
 * Prepares a format string.
 *
 * @param empty stands for what is not there: `-` in logs, nothing in headers
 * @throws FormatError
 * @example textFormat("%REQ(:METHOD)% %RESPONSE_CODE%\n").format(scope)
 */
export function textFormat(text: string, empty: "-" | "" = "-"): Format {
  const { pieces, needs } = parseFormat(text);
  return {
    needs,
    ...(pieces.length === 1 && typeof pieces[0] === "string" && { constant: pieces[0] }),
    format(scope) {
      let line = "";
      for (const piece of pieces) line += typeof piece === "string" ? piece : (textOf(piece(scope)) ?? empty);
      return line;
    },
  };
}
