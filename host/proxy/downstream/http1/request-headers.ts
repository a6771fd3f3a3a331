import { HeaderMap } from "../../../stores/header-map";
import { CONNECT } from "../../tunnel/upgrade-headers";
import type { Refusal } from "../refusal";
import { AUTHORITY, refused } from "../request-headers";

/** Removed from every request: they concern the client's connection. */
const DROPPED: ReadonlySet<string> = new Set([
  "host",
  "connection",
  "upgrade",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
]);

/** What a raw header list says about its message, besides the headers themselves. */
export interface RequestHead {
  headers: HeaderMap;
  /** Sent `connection: close`. */
  closes: boolean;
  /** Sent `connection: keep-alive`, which HTTP/1.0 needs to be kept. */
  keepsAlive: boolean;
  /** Protocol of an `upgrade` the client asks for, lower-case. */
  upgrade: string | undefined;
  /** Values of all transfer-encoding lines. */
  transferEncoding: string | undefined;
  /** As the client framed its message by it, even if it nominated the header away. */
  contentLength: string | undefined;
  expectsContinue: boolean;
  error: Refusal | undefined;
}

function codecError(details: string): Refusal {
  return { status: 400, details, codec: true };
}

/**
 * Turns a raw header list (name, value, name, value, ...) into Envoy's view of the request: pseudo-headers first, the
 * rest in order with lower-case names, hop headers gone. `asks`: node:http has found it to ask for another protocol, and
 * what says so stays. `absoluteUrl`: a target may be a whole URL.
 */
export function readRequestHead(
  method: string,
  target: string,
  raw: readonly string[],
  asks = false,
  absoluteUrl = true,
): RequestHead {
  const headers = new HeaderMap("request");
  let host: string | undefined;
  let connection: string | undefined;
  let upgrade: string | undefined;
  let transferEncoding: string | undefined;
  let contentLength: string | undefined;
  let expect: string | undefined;
  let teBytes = 0;
  let closes = false;
  let keepsAlive = false;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    const value = raw[i + 1]!;
    if (asks && (name === "connection" || name === "upgrade")) headers.add(name, value);
    if (!DROPPED.has(name)) {
      if (name === "te") {
        teBytes += value.length;
        addTe(headers, value);
      } else {
        headers.add(name, value);
        if (name === "content-length") contentLength = value;
        else if (name === "expect") expect = expect === undefined ? value : `${expect},${value}`;
      }
    } else if (name === "host") host = host && value ? `${host},${value}` : host || value;
    else if (name === "connection") connection = connection === undefined ? value : `${connection},${value}`;
    else if (name === "proxy-connection") closes ||= value.toLowerCase() === "close";
    else if (name === "upgrade") upgrade = value;
    else if (name === "transfer-encoding")
      transferEncoding = transferEncoding === undefined ? value : `${transferEncoding},${value}`;
  }
  const expectsContinue = expect?.toLowerCase() === "100-continue";
  if (expectsContinue) headers.remove("expect");
  let error: Refusal | undefined;
  if (connection !== undefined) {
    const tokens = connection.toLowerCase().split(",");
    if (tokens.length >= MAX_TOKENS && tokens.filter((t) => t !== "").length >= MAX_TOKENS)
      error = codecError("http1.connection_header_rejected");
    for (const token of error ? [] : tokens) {
      const name = token.trim();
      if (name === "close") closes = true;
      else if (name === "keep-alive") keepsAlive = true;
      else if (name === "te" && teBytes >= MAX_NOMINATED_TE)
        error = codecError("http1.connection_header_rejected");
      else if (name !== "" && name !== "te" && name !== "upgrade" && name !== "http2-settings") {
        // Nobody may nominate away what security stands on.
        if (NOT_NOMINABLE.has(name) || name.startsWith(":"))
          error = codecError("http1.connection_header_rejected");
        else if (name === "host") host = undefined;
        else headers.remove(name);
      }
    }
  }
  const upgrading = upgrade !== undefined && /(^|[, ])upgrade([, ]|$)/i.test(connection ?? "");
  const type = upgrading ? withoutH2c(upgrade!) : undefined;
  if (asks && type === undefined) for (const name of ["connection", "upgrade"]) headers.remove(name);
  // Whether what follows is a body or the other protocol is for nobody to guess.
  if (asks && type !== undefined && (transferEncoding !== undefined || Number(contentLength ?? 0) > 0))
    error = codecError("http1.codec_error");
  const connect = method === "CONNECT";
  const fault = connect
    ? setConnectHeaders(headers, target, transferEncoding)
    : setPseudoHeaders(headers, method, target, host, absoluteUrl);
  return {
    headers,
    closes,
    keepsAlive,
    upgrade: connect ? CONNECT : type,
    transferEncoding,
    contentLength,
    expectsContinue,
    error: error ?? fault,
  };
}

/** So many words of `connection` are too many. */
const MAX_TOKENS = 10;
/** So many bytes of a `te` that it names, too. */
const MAX_NOMINATED_TE = 256;

const NOT_NOMINABLE: ReadonlySet<string> = new Set([
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
]);

/** Of `te` only `trailers` may travel on. */
function addTe(headers: HeaderMap, value: string): void {
  if (value.split(",").some((t) => t.trim() === "trailers")) headers.set("te", "trailers");
}

/** `upgrade: h2c` is ignored and the request served as it is. */
function withoutH2c(upgrade: string): string | undefined {
  const rest = upgrade
    .toLowerCase()
    .split(",")
    .map((t) => t.trim())
    .filter((t) => t !== "h2c" && t !== "");
  return rest.length === 0 && upgrade !== "" ? undefined : rest.join(",");
}

/** A CONNECT says where to, in place of a path; it has no body, as what follows is no HTTP. */
function setConnectHeaders(
  headers: HeaderMap,
  target: string,
  transferEncoding: string | undefined,
): Refusal | undefined {
  headers.append(":authority", target);
  headers.append(":method", "CONNECT");
  if (transferEncoding !== undefined)
    return { status: 501, details: "http1.invalid_transfer_encoding", codec: true };
  if (headers.has("content-length")) return codecError("http1.body_disallowed");
  const wrong = !/:\d{1,5}$/.test(target) || !AUTHORITY.test(target);
  return wrong ? codecError("http1.invalid_url") : undefined;
}

/** `:authority :path :method`, `:scheme` in that order; an absolute target overrides the host header, and alone names a scheme. */
function setPseudoHeaders(
  headers: HeaderMap,
  method: string,
  target: string,
  host: string | undefined,
  absoluteUrl: boolean,
): Refusal | undefined {
  let authority = host;
  let path = target;
  let scheme: string | undefined;
  let fault: Refusal | undefined;
  if (absoluteUrl && target.charCodeAt(0) !== 47) {
    // A user before the host is nobody's business here.
    const absolute = /^([a-z][a-z0-9+.-]*):\/\/(?:[^/?#@]*@)?([^/?#@]+)([/?#].*|)$/is.exec(target);
    if (absolute) {
      authority = absolute[2]!;
      path = absolute[3]! === "" ? "/" : absolute[3]!;
      scheme = absolute[1]!.toLowerCase();
      if (!/^https?$/i.test(absolute[1]!)) fault = codecError("http1.invalid_scheme");
      else if (!isUrlHost(authority)) fault = codecError("http1.invalid_url");
    } else if (method !== "OPTIONS" || target !== "*") fault = codecError("http1.invalid_url");
  }
  if (authority !== undefined) headers.append(":authority", authority);
  headers.append(":path", path);
  headers.append(":method", method);
  if (scheme !== undefined) headers.append(":scheme", scheme);
  if (UNREADABLE_METHODS.has(method)) return codecError("http1.codec_error");
  if (fault) return fault;
  if (authority !== undefined && !AUTHORITY.test(authority)) return codecError("http.invalid_authority");
  if (authority === undefined || UNKNOWN_METHODS.has(method)) return refused(400, "missing_host_header");
  return undefined;
}

/** Host and port of an absolute target, of which less is allowed than of a `host` header. */
const URL_HOST = /^(?:[A-Za-z0-9\-.]+|\[[A-Fa-f0-9:.]+\])(?::(?:0*[0-9]{1,5}))?$/;

function isUrlHost(authority: string): boolean {
  return URL_HOST.test(authority) && Number(/:(\d+)$/.exec(authority)?.[1] ?? 0) <= 65_535;
}

/** A method that node:http knows and Envoy's parser does not. */
const UNREADABLE_METHODS: ReadonlySet<string> = new Set(["M-SEARCH"]);

/** A method that both parsers know, and Envoy refuses. */
const UNKNOWN_METHODS: ReadonlySet<string> = new Set(["QUERY"]);
