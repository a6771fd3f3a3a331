export { debugInfo, explainLine } from "./explain";
export { inspectBytes, type ModuleReport } from "./inspect-file";
export type { Sized } from "./sizes";
