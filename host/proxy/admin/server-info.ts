import { LEVEL_NAMES } from "../../log";
import type { AdminHandler, AdminState } from "./admin-server";
import { JSON_TYPE, jsonText } from "./json-text";

/** The Envoy release whose behaviour and formats this proxy follows, and who is speaking. */
export const VERSION = "proxy-wasm-toolkit/1.40.0/Clean/RELEASE/node";

function seconds(ms: number): string {
  return `${Math.floor(ms / 1000)}s`;
}

/** `node` as Envoy prints it. */
export function nodeJson({ bootstrap }: AdminState): Record<string, unknown> {
  const { id, cluster, locality, metadata } = bootstrap.node;
  const place = {
    ...(locality.region === "" ? {} : { region: locality.region }),
    ...(locality.zone === "" ? {} : { zone: locality.zone }),
    ...(locality.subZone === "" ? {} : { sub_zone: locality.subZone }),
  };
  return {
    id,
    cluster,
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
    ...(Object.keys(place).length > 0 ? { locality: place } : {}),
    user_agent_name: "envoy",
    user_agent_build_version: { version: { major_number: 1, minor_number: 40, patch: 0 } },
  };
}

/** `/server_info`. */
export const serverInfo: AdminHandler = (state) => {
  const { options, log } = state;
  const uptime = seconds(performance.now() - state.startedAt);
  const body = {
    version: VERSION,
    state: state.state(),
    uptime_current_epoch: uptime,
    uptime_all_epochs: uptime,
    hot_restart_version: "disabled",
    command_line_options: {
      base_id: "0",
      concurrency: options.concurrency,
      config_path: options.configPath,
      config_yaml: "",
      log_level: LEVEL_NAMES[log.level("main")],
      component_log_level: "",
      log_format: "[%Y-%m-%d %T.%e][%t][%l][%n] [%g:%#] %v",
      mode: "Serve",
      disable_hot_restart: true,
      restart_epoch: 0,
      drain_time: "600s",
      drain_strategy: "Gradual",
    },
    node: nodeJson(state),
  };
  return { contentType: JSON_TYPE, body: jsonText(body) };
};
