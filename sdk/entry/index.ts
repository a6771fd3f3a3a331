import "../abort";
import "../globals";

export * from "./foreign";
export * from "./grpc";
export * from "./http";
export * from "./http-calls";
/** The exports of a module; `proxy-wasm build` removes the callbacks nothing overrides. */
export * from "./lifecycle";
export * from "./queues";
export * from "./tcp";
export * from "./timers";
