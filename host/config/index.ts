export type { Loaded, LoadOptions } from "./load";
export { loadBootstrap, parseBootstrap } from "./load";
export { applySet } from "./set";
