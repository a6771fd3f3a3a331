import * as z from "zod";
import { message, rule } from "./message";
import { bool, headerName, text } from "./scalars";

/** Tunnels of datagrams: not in this engine. */
const DATAGRAMS: ReadonlySet<string> = new Set(["CONNECT-UDP", "CONNECT-IP"]);

const supported = (type: string) => !DATAGRAMS.has(type.toUpperCase());
const UNSUPPORTED = "tunnels of datagrams are not supported by the node engine";

/** Types differ by more than case. */
export const upgradesDiffer = rule<{ upgrade_configs?: { upgrade_type?: unknown }[] }>(
  ({ upgrade_configs: configs }, fail) => {
    if (!Array.isArray(configs)) return;
    const seen = new Set<string>();
    for (const [i, config] of configs.entries()) {
      const type = String(config?.upgrade_type ?? "").toLowerCase();
      if (seen.has(type)) fail(`"${type}" stands twice`, ["upgrade_configs", i, "upgrade_type"]);
      seen.add(type);
    }
  },
);

/** `HttpConnectionManager.UpgradeConfig`; `filters`: the schema of the manager's own. */
export const managerUpgrades = <F extends z.ZodType>(filters: F) =>
  z.array(
    message(
      { upgrade_type: text.refine(supported, UNSUPPORTED).meta({ type: "string" }) },
      { enabled: bool, filters },
    ),
  );

/** Only CONNECT can end here. */
const onlyConnect = rule<{ upgrade_type?: unknown; connect_config?: unknown }>((value, fail) => {
  if (value.connect_config !== undefined && String(value.upgrade_type).toUpperCase() !== "CONNECT")
    fail("only CONNECT has one", ["connect_config"]);
});

/** `RouteAction.UpgradeConfig`. */
export const routeUpgrades = z.array(
  message(
    { upgrade_type: headerName.refine(supported, UNSUPPORTED).meta({ type: "string" }) },
    { enabled: bool, connect_config: message({}, {}) },
  ).check(onlyConnect),
);
