import "../abort";

export * from "./http";
/** The exports of a module; `proxy-wasm build` removes the callbacks nothing overrides. */
export * from "./lifecycle";
export * from "./queues";
export * from "./timers";
