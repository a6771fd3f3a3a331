import type { Operators } from "../scope";
import { ADDRESSES } from "./addresses";
import { COALESCE_OPERATOR } from "./coalesce";
import { DURATIONS } from "./durations";
import { FILTER_STATE_OPERATORS } from "./filter-state";
import { GRPC } from "./grpc";
import { HEADERS } from "./headers";
import { METADATA_OPERATORS } from "./metadata";
import { PATHS_AND_NAMES } from "./path";
import { STREAM } from "./stream";
import { TIMES } from "./time";
import { TLS } from "./tls";
import { UPSTREAM } from "./upstream";
import { WIRE } from "./wire";

/** Every operator of a format, as Envoy 1.40 has them; `CEL` alone is missing. */
export const OPERATORS: Operators = {
  ...TIMES,
  ...HEADERS,
  ...PATHS_AND_NAMES,
  ...STREAM,
  ...GRPC,
  ...DURATIONS,
  ...WIRE,
  ...ADDRESSES,
  ...UPSTREAM,
  ...TLS,
  ...METADATA_OPERATORS,
  ...FILTER_STATE_OPERATORS,
  ...COALESCE_OPERATOR,
};
