import * as z from "zod";
import { LOG_TYPES } from "../../formatter/log-types";
import { flagNumbers } from "../../formatter/response-flags";
import { fractionalPercent } from "./common";
import { formatMap, formatString, formatText } from "./format";
import { message, oneOf, typed } from "./message";
import { wasmAccessLog } from "./plugins";
import { headerMatcher } from "./route";
import { bool, duration, enumeration, requiredText, text, u32 } from "./scalars";

const LOGGERS = "envoy.extensions.access_loggers";

const FILE_FORMS = {
  format: formatText,
  json_format: formatMap,
  typed_json_format: formatMap,
  log_format: formatString,
};
const file = typed(`${LOGGERS}.file.v3.FileAccessLog`, { path: requiredText }, FILE_FORMS).check(
  oneOf(Object.keys(FILE_FORMS), "optional"),
);
const stdout = typed(`${LOGGERS}.stream.v3.StdoutAccessLog`, {}, { log_format: formatString });
const stderr = typed(`${LOGGERS}.stream.v3.StderrAccessLog`, {}, { log_format: formatString });

const comparison = message(
  { value: message({ runtime_key: requiredText }, { default_value: u32 }) },
  { op: enumeration({ 0: "EQ", 1: "GE", 2: "LE", 3: "NE" }) },
);

export const GRPC_STATUSES = {
  ...{ 0: "OK", 1: "CANCELED", 2: "UNKNOWN", 3: "INVALID_ARGUMENT", 4: "DEADLINE_EXCEEDED", 5: "NOT_FOUND" },
  ...{ 6: "ALREADY_EXISTS", 7: "PERMISSION_DENIED", 8: "RESOURCE_EXHAUSTED", 9: "FAILED_PRECONDITION" },
  ...{ 10: "ABORTED", 11: "OUT_OF_RANGE", 12: "UNIMPLEMENTED", 13: "INTERNAL", 14: "UNAVAILABLE" },
  ...{ 15: "DATA_LOSS", 16: "UNAUTHENTICATED" },
} as const;

const flag = text
  .refine((name) => flagNumbers.has(name), { error: ({ input }) => `"${input}" is no response flag` })
  .meta({ type: "string" });

/** Filters that have no others in them. */
const PLAIN = {
  status_code_filter: message({ comparison }, {}),
  duration_filter: message({ comparison }, {}),
  not_health_check_filter: message({}, {}),
  traceable_filter: message({}, {}),
  runtime_filter: message(
    { runtime_key: requiredText },
    { percent_sampled: fractionalPercent, use_independent_randomness: bool },
  ),
  header_filter: message({ header: headerMatcher }, {}),
  response_flag_filter: message({}, { flags: z.array(flag) }),
  grpc_status_filter: message({}, { statuses: z.array(enumeration(GRPC_STATUSES)), exclude: bool }),
  log_type_filter: message({}, { types: z.array(enumeration(LOG_TYPES)), exclude: bool }),
};

type Plain = { [K in keyof typeof PLAIN]?: z.output<(typeof PLAIN)[K]> | undefined };
type Several = { filters: RawLogFilter[] };
export interface RawLogFilter extends Plain {
  and_filter?: Several | undefined;
  or_filter?: Several | undefined;
}

/** Filters of filters: told once in the documentation. */
const nested: z.ZodType<RawLogFilter> = z
  .lazy((): z.ZodType<RawLogFilter> => filter as z.ZodType<RawLogFilter>)
  .meta({ type: "AccessLogFilter" });
const several = message({ filters: z.array(nested).min(2, "needs at least two filters") }, {});

const FILTERS = { ...PLAIN, and_filter: several, or_filter: several };
export const filter = message({}, FILTERS).check(oneOf(Object.keys(FILTERS), "required"));

const unknown =
  (known: string) =>
  ({ input }: { input?: unknown }) => {
    const type = (input as { "@type"?: unknown } | undefined)?.["@type"];
    const what =
      type === undefined
        ? '"@type" is missing'
        : `unknown @type ${JSON.stringify(type)}: not supported by the node engine`;
    return `${what}; supported: ${known}`;
  };

const FILES = `${LOGGERS}.file.v3.FileAccessLog, .stream.v3.StdoutAccessLog, .stream.v3.StderrAccessLog`;

/** One entry of the `access_log` of HTTP. */
export const accessLog = message(
  {
    name: requiredText,
    typed_config: z.discriminatedUnion("@type", [wasmAccessLog, file, stdout, stderr], {
      error: unknown(`${FILES}, .wasm.v3.WasmAccessLog`),
    }),
  },
  { filter },
);

/** One entry of the `access_log` of connections. */
export const connectionLog = message(
  {
    name: requiredText,
    typed_config: z.discriminatedUnion("@type", [file, stdout, stderr], { error: unknown(FILES) }),
  },
  { filter },
);

export type RawAccessLog = z.output<typeof accessLog>;

/** `access_log_options` of HTTP. */
export const httpLogOptions = message(
  {},
  { access_log_flush_interval: duration, flush_access_log_on_new_request: bool },
);
/** `access_log_options` of TCP. */
export const tcpLogOptions = message(
  {},
  { access_log_flush_interval: duration, flush_access_log_on_connected: bool },
);
