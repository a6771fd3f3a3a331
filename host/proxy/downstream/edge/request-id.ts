import { randomUUID } from "node:crypto";
import type { RequestIdConfig } from "../../../config/model";
import type { HeaderMap } from "../../../stores/header-map";

const NAME = "x-request-id";

/** Length of a UUID, and where in it the reason of a trace stands: `4` = none. */
const UUID_LENGTH = 36;
const REASON = 14;
const NOT_TRACED = "4";

/** Sees to the id of a request. `outside`: it comes straight from there, where nobody decides what is traced. */
export function ensureRequestId(headers: HeaderMap, rules: RequestIdConfig, outside: boolean): void {
  if (!rules.generate) return;
  const id = headers.get(NAME);
  if (!id || (outside && !rules.preserveExternal)) headers.set(NAME, randomUUID());
  else if (outside && rules.packTraceReason && id.length === UUID_LENGTH)
    headers.set(NAME, id.slice(0, REASON) + NOT_TRACED + id.slice(REASON + 1));
}

/** Tells the client the id of its request. */
export function echoRequestId(response: HeaderMap, request: HeaderMap): void {
  const id = request.get(NAME);
  if (id !== undefined) response.set(NAME, id);
}
