import { rule, typed } from "./message";
import { pluginConfig } from "./wasm";

const NETWORK = "envoy.extensions.filters.network";

/** `envoy.filters.network.wasm`: filters of bytes, any number of them in front of the terminal filter. */
export const networkWasm = typed(`${NETWORK}.wasm.v3.Wasm`, { config: pluginConfig }, {});

type Filters = { filters?: { typed_config?: { "@type"?: string } }[] };

const kindOf = (type: string | undefined) => /\.(\w+)\.v3\.\w+$/.exec(type ?? "")?.[1];

/** A chain ends in its one terminal filter. */
export const terminalLast = rule<Filters>(({ filters }, fail) => {
  if (!Array.isArray(filters)) return;
  const kinds = filters.map((filter) => kindOf(filter?.typed_config?.["@type"]));
  for (const [i, kind] of kinds.entries()) {
    const last = i === kinds.length - 1;
    if (kind === undefined) continue;
    if (last && kind === "wasm")
      fail("the last filter must be tcp_proxy or http_connection_manager", ["filters", i]);
    if (!last && kind !== "wasm") fail(`${kind} must be the last filter`, ["filters", i]);
  }
});
