import type { PathRules } from "../../../config/model";
import type { HeaderMap } from "../../../stores/header-map";
import { isGrpc } from "../../../stream/local-reply";
import type { Refusal } from "../refusal";
import { pathError, refused } from "../request-headers";
import { canonicalPath } from "./canonical-path";

const ESCAPED_SLASH = /%(?:2f|5c)/gi;
const DETAILS = "path_normalization_failed";

/** Brings the path of a request into the form that routes and filters are to see; or says why there is none. */
export function normalizePath(headers: HeaderMap, rules: PathRules): Refusal | undefined {
  const target = headers.get(":path");
  if (target === undefined) return undefined;
  const wrong = pathError(target);
  if (wrong) return wrong;
  const { normalize, mergeSlashes, escapedSlashes } = rules;
  if (!normalize && !mergeSlashes && escapedSlashes === "KEEP_UNCHANGED") return undefined;
  const mark = target.indexOf("?");
  let path = mark < 0 ? target : target.slice(0, mark);
  let redirect = false;
  if (escapedSlashes !== "KEEP_UNCHANGED" && path.includes("%")) {
    const plain = path.replace(ESCAPED_SLASH, (found) => (found[1] === "2" ? "/" : "\\"));
    const hit = plain.length !== path.length;
    if (hit && escapedSlashes === "REJECT_REQUEST") return refused(400, DETAILS);
    redirect = hit && escapedSlashes === "UNESCAPE_AND_REDIRECT";
    path = plain;
  }
  if (normalize) {
    const canonical = canonicalPath(path);
    if (canonical === undefined) return refused(400, DETAILS);
    path = canonical;
  }
  if (mergeSlashes && path.includes("//")) path = path.replace(/\/{2,}/g, "/");
  const result = mark < 0 ? path : path + target.slice(mark);
  if (result !== target) headers.set(":path", result);
  if (!redirect) return undefined;
  // Clients of gRPC follow no redirect.
  return isGrpc(headers) ? refused(400, DETAILS) : { ...refused(307, DETAILS), location: result };
}
