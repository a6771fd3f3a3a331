import type { StreamSummary } from "../model";

/** What of the list is shown. */
export interface Shown {
  /** Part of the path, the method or the host. */
  text: string;
  /** `all`, a class such as `5xx`, `answered` by a filter, `open`, or `trapped`. */
  status: string;
}

export const STATUSES = ["all", "2xx", "3xx", "4xx", "5xx", "answered", "open", "trapped"] as const;

export function matches(stream: StreamSummary, { text, status }: Shown): boolean {
  const line = `${stream.method} ${stream.authority}${stream.path} ${stream.status ?? ""}`.toLowerCase();
  if (!line.includes(text.trim().toLowerCase())) return false;
  if (status === "answered") return stream.decision !== undefined;
  if (status === "open") return stream.state !== "done";
  if (status === "trapped") return stream.trapped === true;
  return status === "all" || status[0] === String(stream.status ?? "")[0];
}
