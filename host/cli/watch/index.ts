export { ModuleBuilds } from "./module-builds";
export { watchScenarios } from "./watch-scenarios";
export { WatchedEngine } from "./watched-engine";
