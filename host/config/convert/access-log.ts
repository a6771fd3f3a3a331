import { jsonFormat } from "../../formatter/json-format";
import { flagNumbers } from "../../formatter/response-flags";
import { type Format, textFormat } from "../../formatter/text-format";
import type { AccessLogConfig, AccessLogOptions, LogFilterConfig, LogSinkConfig } from "../model";
import type { FieldPath } from "../path";
import type { RawAccessLog, RawLogFilter } from "../schema/access-log";
import { GRPC_STATUSES } from "../schema/access-log";
import { durationMs } from "../schema/scalars";
import type { Source } from "../yaml";
import { formatOf } from "./body-format";
import { convertFraction } from "./fraction";
import { convertHeader } from "./route";
import { convertPlugin } from "./wasm";

type RawConfig = RawAccessLog["typed_config"];
type RawFile = Extract<RawConfig, { path: string }>;

/** The entries of an `access_log`; `path` leads to the list. */
export function convertAccessLogs(
  raw: readonly RawAccessLog[] | undefined,
  path: FieldPath,
  source: Source,
): AccessLogConfig[] {
  return (raw ?? []).map(({ typed_config: config, filter }, i) => ({
    filter: filter && convertFilter(filter),
    sink: convertSink(config, [...path, i, "typed_config"], source),
  }));
}

function convertSink(raw: RawConfig, path: FieldPath, source: Source): LogSinkConfig {
  if ("config" in raw)
    return { kind: "wasm", plugin: convertPlugin(raw.config, [...path, "config"], source) };
  if ("path" in raw) return { kind: "file", path: raw.path, format: fileFormat(raw) };
  const stream = raw["@type"].endsWith("StdoutAccessLog") ? "/dev/stdout" : "/dev/stderr";
  return { kind: "file", path: stream, format: formatOf(raw.log_format) };
}

function fileFormat(raw: RawFile): Format {
  const fields = raw.json_format ?? raw.typed_json_format;
  if (fields) return jsonFormat(fields, false);
  if (raw.format) return textFormat(raw.format);
  return formatOf(raw.log_format);
}

type RawComparison = NonNullable<RawLogFilter["status_code_filter"]>["comparison"];

const comparison = ({ op, value }: RawComparison) =>
  ({ op: op ?? "EQ", value: value.default_value ?? 0 }) as const;

/** A converter for each form of a filter. */
const FILTERS: {
  [K in keyof RawLogFilter]-?: (raw: NonNullable<RawLogFilter[K]>) => LogFilterConfig;
} = {
  status_code_filter: (raw) => ({ kind: "status code", comparison: comparison(raw.comparison) }),
  duration_filter: (raw) => ({ kind: "duration", comparison: comparison(raw.comparison) }),
  not_health_check_filter: () => ({ kind: "not health check" }),
  traceable_filter: () => ({ kind: "traceable" }),
  runtime_filter: (raw) => ({
    kind: "runtime",
    fraction: convertFraction({ default_value: raw.percent_sampled ?? {} })!,
    independent: raw.use_independent_randomness ?? false,
  }),
  and_filter: (raw) => ({ kind: "and", filters: raw.filters.map(convertFilter) }),
  or_filter: (raw) => ({ kind: "or", filters: raw.filters.map(convertFilter) }),
  header_filter: (raw) => ({ kind: "header", header: convertHeader(raw.header) }),
  response_flag_filter: (raw) => ({
    kind: "response flags",
    flags: (raw.flags ?? []).reduce((bits, name) => bits | (1 << flagNumbers.get(name)!), 0),
  }),
  grpc_status_filter: (raw) => ({
    kind: "grpc status",
    statuses: new Set((raw.statuses ?? []).map((name) => Object.values(GRPC_STATUSES).indexOf(name))),
    exclude: raw.exclude ?? false,
  }),
  log_type_filter: (raw) => ({ kind: "log type", types: new Set(raw.types), exclude: raw.exclude ?? false }),
};

export function convertFilter(raw: RawLogFilter): LogFilterConfig {
  const [name, value] = Object.entries(raw).find(([, set]) => set !== undefined)!;
  return (FILTERS[name as keyof RawLogFilter] as (value: unknown) => LogFilterConfig)(value);
}

type RawOptions = { access_log_flush_interval?: string | undefined } & Record<string, unknown>;

/** @param start the field that asks for an entry at the beginning */
export function convertLogOptions(raw: RawOptions | undefined, start: string): AccessLogOptions {
  return {
    flushIntervalMs: durationMs(raw?.access_log_flush_interval ?? "0s"),
    atStart: raw?.[start] === true,
  };
}
