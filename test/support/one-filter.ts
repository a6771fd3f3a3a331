import { bootstrap, httpListener, type Json, type WasmFilter, wasmFilter } from "./bootstrap";

/** A bootstrap with one listener and one plugin; the proxy answers every request itself, with 200. */
export function oneFilter(filter: Partial<WasmFilter> & { wasm: string }): Json {
  const filters = [wasmFilter({ name: "p", rootId: "p", ...filter })];
  const routes = [{ match: { prefix: "/" }, direct_response: { status: 200 } }];
  return bootstrap({ listeners: [httpListener({ name: "l", filters, routes })], clusters: [] });
}
