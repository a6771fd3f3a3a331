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
  const query = mark < 0 ? "" : target.slice(mark);
  const original = mark < 0 ? target : target.slice(0, mark);
  const plain = escapedSlashes === "KEEP_UNCHANGED" ? original : unescapeSlashes(original);
  // Loggers see how far a refused path has come.
  if (plain !== original) headers.set(":path", plain + query);
  if (plain !== original && escapedSlashes === "REJECT_REQUEST") return refused(400, DETAILS);
  const canonical = normalize ? canonicalPath(plain) : plain;
  if (canonical === undefined) return refused(400, DETAILS);
  const path = mergeSlashes ? withoutDoubles(canonical) : canonical;
  if (path !== plain) headers.set(":path", path + query);
  if (plain === original || escapedSlashes !== "UNESCAPE_AND_REDIRECT") return undefined;
  // Clients of gRPC follow no redirect.
  return isGrpc(headers) ? refused(400, DETAILS) : { ...refused(307, DETAILS), location: path + query };
}

function unescapeSlashes(path: string): string {
  if (!path.includes("%")) return path;
  return path.replace(ESCAPED_SLASH, (found) => (found[1] === "2" ? "/" : "\\"));
}

/** Nothing but slashes becomes two (observed). */
function withoutDoubles(path: string): string {
  if (!path.includes("//")) return path;
  return /^\/+$/.test(path) ? "//" : path.replace(/\/{2,}/g, "/");
}
