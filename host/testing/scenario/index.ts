export { forgetModules } from "../module-cache";
export { firstDifference } from "./diff";
export { type Failure, judge } from "./judge";
export { type LoadedScenario, loadScenario } from "./load";
export { junit, plainText, type Result, tap } from "./report";
export { type Observation, runScenario } from "./run";
