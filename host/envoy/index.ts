export { envoyEngine } from "./envoy-engine";
export { ENVOY_VERSION } from "./release";
export { type ResolvedEnvoy, type ResolveOptions, resolveEnvoy } from "./resolve";
