// For the type check: every export of a module, as the build adds them to an author's file.
export * from "proxy-wasm-toolkit/sdk/entry";
