/** The Node reference proxy. */
export { nodeEngine } from "./node-engine";
