import type { HeaderMap } from "../../stores/header-map";
import { isGranted } from "../tunnel/upgrade-headers";

let dateText = "";
let dateSecond = 0;

/** The `date` of this second. */
export function httpDate(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(second * 1000).toUTCString();
  }
  return dateText;
}

/** Hop headers: they end at the proxy. */
const HOP = ["connection", "upgrade", "transfer-encoding", "keep-alive", "proxy-connection"] as const;

/** What the connection manager does to every response before it leaves. `tunnel`: the upgrade it answers to. */
export function finishResponseHeaders(headers: HeaderMap, tunnel: string | undefined): void {
  if (tunnel === undefined || !isGranted(tunnel, Number(headers.get(":status")), headers))
    for (const name of HOP) headers.remove(name);
  if (!headers.has("date")) headers.append("date", httpDate());
}
