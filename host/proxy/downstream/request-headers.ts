import type { Refusal } from "./refusal";

/** What is wrong with a path, once the codec has taken it. */
export function pathError(path: string): Refusal | undefined {
  if (path.charCodeAt(0) !== 47) return refused(404, "absolute_path_rejected");
  if (path.includes("#")) return refused(400, "path_normalization_failed");
  return undefined;
}

/** A refusal by the connection manager. */
export function refused(status: number, details: string): Refusal {
  return { status, details, codec: false };
}

/** Characters of a host and port, user information included. */
export const AUTHORITY = /^[A-Za-z0-9\-._~%!$&'()*+,;=:@[\]]*$/;
