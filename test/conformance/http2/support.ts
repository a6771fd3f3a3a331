import type { Behaviour, Setup } from "../../support/conformance";
import { Flag, type Frame, FrameClient, FrameType } from "../../support/h2-frames";
import type { RawHeaders } from "../../support/http-message";

/** A listener that speaks nothing but HTTP/2. */
export const HTTP2: Setup = { manager: { codec_type: "HTTP2" } };

export const NO_AUTHORITY: RawHeaders = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/"],
];
export const GET: RawHeaders = [
  [":method", "GET"],
  [":scheme", "http"],
  [":authority", "a"],
  [":path", "/"],
];
export const POST: RawHeaders = [[":method", "POST"], ...GET.slice(1)];

/** Refused whatever else is right about them. */
export const MALFORMED: Record<string, RawHeaders> = {
  "no authority and no host": NO_AUTHORITY,
  "two authorities": [...GET, [":authority", "b"]],
  "no path": GET.slice(0, 3),
  "no method": GET.slice(1),
  "no scheme": [GET[0]!, ...GET.slice(2)],
  "an unknown pseudo-header": [...GET, [":foo", "a"]],
  "a pseudo-header behind others": [["x-a", "b"], ...GET],
  "a capital in a name": [...GET, ["X-A", "b"]],
  "connection: close": [...GET, ["connection", "close"]],
  "keep-alive": [...GET, ["keep-alive", "timeout=1"]],
  upgrade: [...GET, ["upgrade", "websocket"]],
  "transfer-encoding": [...GET, ["transfer-encoding", "chunked"]],
  "te: gzip": [...GET, ["te", "gzip"]],
  "two lengths": [...GET, ["content-length", "0"], ["content-length", "0"]],
  "a length without a body": [...GET, ["content-length", "3"]],
  "an empty authority": [...NO_AUTHORITY, [":authority", ""]],
  "a blank in the authority": [...NO_AUTHORITY, [":authority", "a b"]],
  "a blank in the path": [...GET.slice(0, 3), [":path", "/a b"]],
  "an absolute path": [...GET.slice(0, 3), [":path", "http://b/c"]],
};

/** Is this the end of the stream, one way or another? */
export function ends(frame: Frame, stream: number): boolean {
  if (frame.stream !== stream) return false;
  if (frame.type === FrameType.RstStream) return true;
  return frame.type <= FrameType.Headers && (frame.flags & Flag.EndStream) !== 0;
}

/** Sends one HEADERS frame on a connection of its own; the frames of the stream once it has ended. */
export async function oneRequest(b: Behaviour, headers: RawHeaders, endStream = true): Promise<Frame[]> {
  const client = await FrameClient.connect(b.port);
  client.headers(1, headers, endStream);
  await client.until((frame) => ends(frame, 1));
  client.close();
  return client.of(1);
}

/** The code of an RST_STREAM among frames. */
export function resetCode(frames: readonly Frame[]): number | undefined {
  return frames.find(({ type }) => type === FrameType.RstStream)?.payload.readUInt32BE(0);
}
