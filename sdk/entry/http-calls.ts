import { answerCall } from "../contexts/http-call";
import { collectIfDue } from "../memory/heap";

export function proxy_on_http_call_response(
  rootId: u32,
  callId: u32,
  headerCount: u32,
  bodySize: u32,
  trailerCount: u32,
): void {
  answerCall(rootId, callId, headerCount);
  collectIfDue();
}
