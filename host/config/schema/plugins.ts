import { message, typed } from "./message";
import { bool, requiredText } from "./scalars";
import { pluginConfig } from "./wasm";

const EXTENSIONS = "envoy.extensions";

/** The places besides filters where plugins run. */

/** `envoy.access_loggers.wasm` */
export const wasmAccessLog = typed(
  `${EXTENSIONS}.access_loggers.wasm.v3.WasmAccessLog`,
  { config: pluginConfig },
  {},
);

/** `envoy.bootstrap.wasm` */
export const bootstrapExtension = message(
  {
    name: requiredText,
    typed_config: typed(`${EXTENSIONS}.wasm.v3.WasmService`, { config: pluginConfig }, { singleton: bool }),
  },
  {},
);
