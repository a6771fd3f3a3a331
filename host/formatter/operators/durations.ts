import type { StreamTimes } from "../../stores/stream-times";
import { FormatError } from "../format-error";
import { type FormatScope, type Operator, type Operators, plain, type Reader } from "../scope";

/** Points in the life of a stream, by the names of COMMON_DURATION. */
const POINTS: Readonly<Record<string, keyof StreamTimes>> = {
  DS_RX_BEG: "begin",
  DS_RX_END: "requestEnd",
  US_CX_BEG: "connectBegin",
  US_CX_END: "connectEnd",
  US_HS_END: "handshakeEnd",
  US_TX_BEG: "upstreamSendBegin",
  US_TX_END: "upstreamSendEnd",
  US_RX_BEG: "upstreamReceiveBegin",
  US_RX_BODY_BEG: "upstreamBodyBegin",
  US_RX_END: "upstreamReceiveEnd",
  DS_TX_BEG: "responseBegin",
  DS_TX_END: "responseEnd",
};

/** Parts of a millisecond. */
const PRECISIONS: Readonly<Record<string, number>> = { ms: 1, us: 1e3, ns: 1e6 };

/** Whole units between two points; undefined when one was not passed, or the second before the first. */
function between(
  { info: { times } }: FormatScope,
  from: keyof StreamTimes,
  to: keyof StreamTimes,
  units = 1,
) {
  if (!times || times[from] === 0 || times[to] === 0 || times[to] < times[from]) return undefined;
  return Math.floor((times[to] - times[from]) * units);
}

const COMMON_DURATION: Operator = {
  about: `\`FROM:TO:PRECISION\`, \`ms\` (default), \`us\` or \`ns\`, between two of ${Object.keys(POINTS)
    .map((name) => `\`${name}\``)
    .join(", ")}`,
  argument: "required",
  needs: "times",
  make(argument) {
    const parts = argument.split(":");
    if (parts.length < 2 || parts.length > 3)
      throw new FormatError(`"${argument}" is not FROM:TO or FROM:TO:PRECISION`);
    const [from, to, precision = "ms"] = parts as [string, string, string?];
    const units = Object.hasOwn(PRECISIONS, precision) ? PRECISIONS[precision] : undefined;
    if (units === undefined) throw new FormatError(`"${precision}" is none of ms, us, ns`);
    // Envoy takes other names for points that filters of its own set; none here does.
    if (!Object.hasOwn(POINTS, from) || !Object.hasOwn(POINTS, to)) return () => undefined;
    return (scope) => between(scope, POINTS[from]!, POINTS[to]!, units);
  },
};

const span = (about: string, from: keyof StreamTimes, to: keyof StreamTimes): Operator =>
  plain(about, (scope) => between(scope, from, to), "times");

const millis = (nanoseconds: bigint) => Number(nanoseconds / 1_000_000n);

const duration: Reader = ({ info: { startMonotonic, endMonotonic }, clock }) =>
  millis((endMonotonic ?? clock.monotonic()) - startMonotonic);

/** All but COMMON_DURATION in milliseconds. */
export const DURATIONS: Operators = {
  DURATION: plain("From the first byte of the request to the last of the response", duration),
  COMMON_DURATION,
  REQUEST_DURATION: span("To the last byte of the request", "begin", "requestEnd"),
  REQUEST_TX_DURATION: span("To the last byte sent to the host", "begin", "upstreamSendEnd"),
  RESPONSE_DURATION: span("To the first byte from the host", "begin", "upstreamReceiveBegin"),
  RESPONSE_TX_DURATION: span(
    "From there to the last byte of the response",
    "upstreamReceiveBegin",
    "responseEnd",
  ),
  ROUNDTRIP_DURATION: plain("Always `-`: only QUIC knows it", () => undefined),
  DOWNSTREAM_HANDSHAKE_DURATION: plain("Of HTTP, to the end of TLS's handshake", ({ info }) => {
    const time = info.connection.tls?.handshakeMs;
    return time === undefined || info.protocol === undefined ? undefined : Math.floor(time);
  }),
  UPSTREAM_CONNECTION_POOL_READY_DURATION: plain(
    "From asking for a connection until there was one",
    ({ info }) =>
      info.upstream.poolReadyDuration === undefined ? undefined : millis(info.upstream.poolReadyDuration),
  ),
  ROUTE_RESOLUTION_TIME_US: plain("Always 0: not measured", ({ info }) =>
    info.routeLookups ? 0 : undefined,
  ),
};
