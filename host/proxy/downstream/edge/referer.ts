import type { HeaderMap } from "../../../stores/header-map";

/** What may stand behind the host: anything visible but the mark of a fragment. */
const REST = '[!"$-~]';
const HOST = "(?:[A-Za-z0-9.-]+|\\[[0-9A-Fa-f:.]+\\])";

/** A whole URL without a fragment, and without a user, although the empty one passes (observed). */
const ABSOLUTE = new RegExp(`^[A-Za-z][A-Za-z0-9+.-]*://@?${HOST}(?::(\\d+))?(?:[/?]${REST}*)?$`);

/** A reference to somewhere on the same host. A colon in its first part would make a scheme of that. */
const RELATIVE = /^[!"$-.0-9;-~]*(?:\/[!"$-~]*)?$/;

/** Takes out a `referer` that says no place, or more than one. */
export function dropBadReferer(headers: HeaderMap): void {
  const referer = headers.get("referer");
  if (referer === undefined || RELATIVE.test(referer)) return;
  const absolute = ABSOLUTE.exec(referer);
  if (absolute && Number(absolute[1] ?? 0) <= 65_535) return;
  headers.remove("referer");
}
