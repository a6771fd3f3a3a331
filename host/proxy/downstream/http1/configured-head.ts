import type { IncomingMessage } from "node:http";
import type { DownstreamCodecConfig } from "../../../config/model";
import { type UnderscoreStats, withoutUnderscores } from "../../underscores";
import type { Refusal } from "../refusal";
import { codecError, refusalOf } from "./refusal";
import { type RequestHead, readRequestHead } from "./request-headers";

/** A request's head by the rules of the configuration, and why it is not served. */
export function configuredHead(
  request: IncomingMessage,
  asks: boolean,
  codec: DownstreamCodecConfig,
  underscores: UnderscoreStats,
): { head: RequestHead; refusal: Refusal | undefined } {
  const { method = "", url = "" } = request;
  const kept = withoutUnderscores(request.rawHeaders, codec.underscores, underscores);
  const raw = withDefaultHost(kept ?? request.rawHeaders, request, codec);
  const head = readRequestHead(method, url, raw, asks, codec.absoluteUrl);
  const refusal = refusalOf(request, head, codec);
  return { head, refusal: kept ? refusal : codecError(400, "http1.unexpected_underscore") };
}

function withDefaultHost(
  raw: readonly string[],
  { httpVersion }: IncomingMessage,
  { defaultHost }: DownstreamCodecConfig,
): readonly string[] {
  if (defaultHost === "" || httpVersion === "1.1") return raw;
  const named = raw.some((name, i) => i % 2 === 0 && name.toLowerCase() === "host");
  return named ? raw : [...raw, "host", defaultHost];
}
