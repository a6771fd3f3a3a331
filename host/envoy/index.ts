export { envoyEngine } from "./envoy-engine";
export { ENVOY_VERSION, ENVOY_VERSIONS } from "./release";
export { type ResolvedEnvoy, type ResolveOptions, resolveEnvoy } from "./resolve";
