import * as z from "zod";
import { convertHeader } from "../convert/route";
import { fractionalPercent } from "../schema/common";
import { message, oneOf, typed } from "../schema/message";
import { headerMatcher } from "../schema/route";
import { bool, duration, enumeration, responseStatus, text, u32 } from "../schema/scalars";
import { headerConditions } from "./header-conditions";
import type { Json, Problem, Translation } from "./translation";

const nothing = message({}, {});
const percentage = fractionalPercent;

/** `HTTPFault` as far as our filter has it. */
export const httpFault = typed(
  "envoy.extensions.filters.http.fault.v3.HTTPFault",
  {},
  {
    delay: message(
      {},
      { fixed_delay: duration, header_delay: nothing, percentage, type: enumeration({ 0: "FIXED" }) },
    ).check(oneOf(["fixed_delay", "header_delay"], "required")),
    abort: message(
      {},
      { http_status: responseStatus, grpc_status: u32, header_abort: nothing, percentage },
    ).check(oneOf(["http_status", "grpc_status", "header_abort"], "required")),
    response_rate_limit: message(
      {},
      { fixed_limit: message({ limit_kbps: u32 }, {}), header_limit: nothing, percentage },
    ).check(oneOf(["fixed_limit", "header_limit"], "required")),
    headers: z.array(headerMatcher),
    upstream_cluster: text,
    downstream_nodes: z.array(text),
    max_active_faults: u32,
    disable_downstream_cluster_stats: bool,
  },
);

type HttpFault = z.output<typeof httpFault>;
type Percentage = z.output<typeof percentage> | undefined;

const GRPC_CODES =
  "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED".split(
    " ",
  );

const MILLIONTHS = { HUNDRED: 10_000, TEN_THOUSAND: 100, MILLION: 1 } as const;

/** Our filter cuts `value` off after four decimals: half of one more keeps it from losing the last. */
function chance(share: Percentage): Json {
  const { numerator = 0, denominator = "HUNDRED" } = share ?? {};
  const millionths = Math.min(numerator * MILLIONTHS[denominator], 1_000_000);
  const whole = millionths === 0 || millionths === 1_000_000;
  return { value: whole ? millionths / 10_000 : (millionths + 0.5) / 10_000 };
}

/** Absent is none of all. */
function share(given: Percentage): Json {
  return { numerator: given?.numerator ?? 0, denominator: given?.denominator ?? "HUNDRED" };
}

/** What a request's own headers may ask for. */
function headerFaults({ delay, abort, response_rate_limit: limit }: HttpFault): Json {
  return {
    ...(delay?.header_delay && { delay: share(delay.percentage) }),
    ...(abort?.header_abort && { abort: share(abort.percentage) }),
    ...(limit?.header_limit && { responseRateLimit: share(limit.percentage) }),
  };
}

function fixedFaults({ delay, abort, response_rate_limit: limit }: HttpFault): Json {
  return {
    ...(delay?.fixed_delay !== undefined && {
      delay: { percentage: chance(delay.percentage), fixedDelay: delay.fixed_delay },
    }),
    ...(abort?.http_status !== undefined && {
      abort: { percentage: chance(abort.percentage), httpStatus: abort.http_status },
    }),
    ...(abort?.grpc_status !== undefined && {
      abort: { percentage: chance(abort.percentage), grpcStatus: GRPC_CODES[abort.grpc_status] },
    }),
    ...(limit?.fixed_limit && {
      responseRateLimit: { percentage: chance(limit.percentage), limitKbps: limit.fixed_limit.limit_kbps },
    }),
  };
}

function matchBlock(native: HttpFault): { block: Json; problems: Problem[] } {
  const { conditions, problems } = headerConditions((native.headers ?? []).map(convertHeader));
  const block = {
    ...(Object.keys(conditions.headers).length > 0 && { headers: conditions.headers }),
    ...(Object.keys(conditions.withoutHeaders).length > 0 && { withoutHeaders: conditions.withoutHeaders }),
    ...(native.upstream_cluster && { upstreamCluster: { exact: native.upstream_cluster } }),
    ...(native.downstream_nodes?.length && { downstreamNodes: native.downstream_nodes }),
  };
  return { block, problems };
}

/** One `HTTPFault` as an entry of our filter. */
export function faultConfig(native: HttpFault): Translation {
  const { block, problems } = matchBlock(native);
  const [fixed, asked] = [fixedFaults(native), headerFaults(native)];
  const [some, conditional] = [Object.keys(fixed).length > 0, Object.keys(block).length > 0];
  const grpc = native.abort?.grpc_status;
  if (grpc !== undefined && GRPC_CODES[grpc] === undefined)
    problems.push({ path: ["abort", "grpc_status"], message: "fault knows the codes 0 to 16" });
  if (Object.keys(asked).length > 0 && (some || conditional))
    problems.push({
      path: [],
      message: "fault takes faults from headers only on their own: no fixed ones beside them, no conditions",
    });
  const entry = { ...(conditional && { match: [block] }), fault: fixed };
  return {
    configuration: {
      http: some ? [entry] : [],
      ...(Object.keys(asked).length > 0 && { headerFaults: asked }),
      ...(native.max_active_faults !== undefined && { maxActiveFaults: native.max_active_faults }),
    },
    problems,
  };
}
