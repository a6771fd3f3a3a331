import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { cut } from "../cut";
import { flagNames } from "../response-flags";
import { type Operator, type Operators, plain } from "../scope";
import { bytesOf } from "../value";

/** Whitespace breaks lines of text into fields: it is not printed. */
const joined = (text: string | undefined) => text?.replace(/[\t\n\v\f\r ]/g, "_");

/** Names out of the configuration; an empty one is none. */
const named = (text: string | undefined) => (text ? bytesOf(text) : undefined);

const RESPONSE_CODE_DETAILS: Operator = {
  about: "What made the response what it is; `ALLOW_WHITESPACES` keeps blanks",
  argument: "optional",
  make: (argument) =>
    argument === "ALLOW_WHITESPACES"
      ? ({ info }) => info.responseCodeDetails
      : ({ info }) => joined(info.responseCodeDetails),
};

const ENVIRONMENT: Operator = {
  about: "A variable of the proxy's environment; `-` without it",
  argument: "required",
  length: true,
  make(name, length) {
    const value = process.env[Buffer.from(name, "latin1").toString("utf8")];
    const text = value === undefined ? "-" : cut(bytesOf(value), length);
    return () => text;
  },
};

/** The stream itself: what it was, how it went, and where. */
export const STREAM: Operators = {
  PROTOCOL: plain("`HTTP/1.1`, `HTTP/2`, ...", ({ info }) => info.protocol),
  RESPONSE_CODE: plain("0 when there was no response", ({ info }) => info.responseCode ?? 0),
  RESPONSE_CODE_DETAILS,
  RESPONSE_FLAGS: plain("What went wrong, in short names", ({ info }) => flagNames(info, "short")),
  RESPONSE_FLAGS_LONG: plain("The same in long names", ({ info }) => flagNames(info, "long")),
  CUSTOM_FLAGS: plain("Always empty: no filter here sets them", () => ""),
  BYTES_RECEIVED: plain("Body bytes from the client; of TCP all bytes", ({ info }) => info.bytesReceived),
  BYTES_SENT: plain("Body bytes to the client; of TCP all bytes", ({ info }) => info.bytesSent),
  BYTES_RETRANSMITTED: plain("0, as for everything but QUIC", () => 0),
  PACKETS_RETRANSMITTED: plain("0, as for everything but QUIC", () => 0),
  CONNECTION_TERMINATION_DETAILS: plain(
    "Why Envoy ended the connection",
    ({ info }) => info.connectionTermination,
  ),
  ROUTE_NAME: plain("Of the route that was taken", ({ info }) => named(info.route()?.routeName)),
  VIRTUAL_CLUSTER_NAME: plain("Always `-`: virtual clusters are not supported", () => undefined),
  ROUTE_RESOLUTION_COUNT: plain("How often the route was looked up", ({ info }) => info.routeLookups ?? 0),
  FILTER_CHAIN_NAME: plain("In the configuration of the listener", ({ info }) =>
    named(info.listener.filterChainName),
  ),
  LISTENER_NAME: plain("In the configuration", ({ info }) => named(info.listener.name)),
  STREAM_ID: plain("The `x-request-id` of HTTP; of TCP a number of its own", ({ info }) =>
    info.protocol === undefined ? info.streamId : (info.streamId ?? info.requestHeaders?.get("x-request-id")),
  ),
  UNIQUE_ID: plain("A new UUID each time", () => randomUUID()),
  TRACE_ID: plain("Of the span", ({ info }) => info.traceId || undefined),
  SPAN_ID: plain("Of the span", ({ info }) => info.spanId || undefined),
  HOSTNAME: plain("The machine's own name", () => hostname()),
  ENVIRONMENT,
  LOCAL_REPLY_BODY: plain(
    "The body of a local reply, in the format of one",
    ({ localReplyBody = "" }) => localReplyBody,
  ),
  ACCESS_LOG_TYPE: plain("What the entry is written for", ({ logType = "NotSet" }) => logType),
};
