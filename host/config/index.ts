export type { Loaded, LoadOptions } from "./load";
export { loadBootstrap, parseBootstrap } from "./load";
export { type Outline, outline } from "./outline";
export { applySet } from "./set";
export type { Substitution } from "./substitute/index";
