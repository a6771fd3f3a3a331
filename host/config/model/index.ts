/** The typed model of a validated bootstrap file: Envoy's v3 fields under camelCase names, defaults filled in. */
export type * from "./bootstrap";
export type * from "./cluster";
export type * from "./common";
export type * from "./edge";
export type * from "./health-check";
export type * from "./host-sets";
export type * from "./http";
export type * from "./listener";
export type * from "./original-dst";
export type * from "./outlier";
export type * from "./route";
export type * from "./route-match";
export type * from "./subsets";
export type * from "./timeouts";
export type * from "./tls";
export type * from "./upgrade";
export type * from "./wasm";
