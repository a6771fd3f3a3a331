import type { DownstreamCodecConfig } from "../../../config/model";
import type { RequestStart } from "../../http1/request-reader";
import { type UnderscoreStats, withoutUnderscores } from "../../underscores";
import type { Refusal } from "../refusal";
import { codecError, refusalOf } from "./refusal";
import { type RequestHead, readRequestHead } from "./request-headers";

/** A request's head by the rules of the configuration, and why it is not served. */
export function configuredHead(
  request: RequestStart,
  asks: boolean,
  codec: DownstreamCodecConfig,
  underscores: UnderscoreStats,
): { head: RequestHead; refusal: Refusal | undefined } {
  const { method, target, fields } = request;
  const kept = withoutUnderscores(fields, codec.underscores, underscores);
  const raw = withDefaultHost(kept ?? fields, request, codec);
  // A head of too many lines is refused: nobody looks through all of them before.
  const most = 2 * codec.limits.count;
  const looked = raw.length > most ? raw.slice(0, most) : raw;
  const head = readRequestHead(method, target, looked, asks, codec.absoluteUrl);
  if (codec.chunkedLength && head.transferEncoding !== undefined) head.headers.remove("content-length");
  const refusal = refusalOf(request, head, raw.length / 2, codec);
  return { head, refusal: kept ? refusal : codecError(400, "http1.unexpected_underscore") };
}

function withDefaultHost(
  raw: readonly string[],
  { version }: RequestStart,
  { defaultHost }: DownstreamCodecConfig,
): readonly string[] {
  if (defaultHost === "" || version === "1.1") return raw;
  const named = raw.some((name, i) => i % 2 === 0 && name === "host");
  return named ? raw : [...raw, "host", defaultHost];
}
