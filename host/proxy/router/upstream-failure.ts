import { ResponseFlag } from "../../stores/stream-info";
import type { LocalReply } from "../../stream/filter";
import type { ResetReason } from "../clusters/upstream-events";

/** What a reset before the response headers means to the client. */
const RESETS: Readonly<Record<ResetReason, { status: number; flag: ResponseFlag }>> = {
  "remote connection failure": { status: 503, flag: ResponseFlag.UpstreamConnectionFailure },
  "connection timeout": { status: 503, flag: ResponseFlag.UpstreamConnectionFailure },
  "connection termination": { status: 503, flag: ResponseFlag.UpstreamConnectionTermination },
  "protocol error": { status: 502, flag: ResponseFlag.UpstreamProtocolError },
  "remote reset": { status: 503, flag: ResponseFlag.UpstreamRemoteReset },
  "remote refused stream reset": { status: 503, flag: ResponseFlag.UpstreamRemoteReset },
  overflow: { status: 503, flag: ResponseFlag.UpstreamOverflow },
};

export const words = (text: string) => text.replaceAll(" ", "_");

export function flagOf(reason: ResetReason): ResponseFlag {
  return RESETS[reason].flag;
}

/** The answer to a client whose request has failed upstream. @param retried it was not the first attempt */
export function failureReply(reason: ResetReason, detail: string, retried: boolean): LocalReply {
  const { status, flag } = RESETS[reason];
  const connecting = flag === ResponseFlag.UpstreamConnectionFailure;
  const cause = connecting && detail !== "" ? `|${words(detail)}` : "";
  const latest = retried ? "retried and the latest " : "";
  return {
    status,
    body: `upstream connect error or disconnect/reset before headers. ${latest}reset reason: ${reason}`,
    details: `upstream_reset_before_response_started{${words(reason)}${cause}}`,
    flags: flag,
    headers: reason === "overflow" ? [["x-envoy-overloaded", "true"]] : [],
  };
}
