/** The Node reference proxy. */

export type { NodeEngineOptions, Watcher } from "./node-engine";
export { nodeEngine } from "./node-engine";
