import { describe, expect, test } from "vitest";
import { parseBootstrap } from "../../../host/config/index";
import { ConfigError } from "../../../host/errors";
import { bootstrap, cluster, httpListener, type Json, ROUTER, tcpListener } from "../../support/bootstrap";

const APP = cluster("app", 80);

/** Every message of the refusal, without where it is. */
function refusal(listener: Json): string[] {
  const text = JSON.stringify(bootstrap({ listeners: [listener], clusters: [APP] }));
  try {
    parseBootstrap(text, "f.json");
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split("\n").map((line) => line.replace(/^f\.json:\S+ \S+\.typed_config\./, ""));
  }
  return [];
}

const upgrades = (manager: Json[], route: Json[]) =>
  refusal(
    httpListener({
      name: "l",
      manager: { upgrade_configs: manager },
      routes: [{ match: { prefix: "/" }, route: { cluster: "app", upgrade_configs: route } }],
    }),
  );

describe("upgrades", () => {
  test("a type once, whatever its case; each list for itself", () => {
    const once = [{ upgrade_type: "websocket" }, { upgrade_type: "CONNECT" }];
    expect(upgrades(once, once)).toEqual([]);
    const twice = [{ upgrade_type: "websocket" }, { upgrade_type: "WebSocket" }];
    expect(upgrades(twice, [])).toEqual(['upgrade_configs[1].upgrade_type: "websocket" stands twice']);
    expect(upgrades([], twice)).toEqual([
      expect.stringMatching(/route\.upgrade_configs\[1\]\.upgrade_type: "websocket" stands twice$/),
    ]);
  });

  test("only CONNECT ends here; datagrams are not for this engine", () => {
    expect(upgrades([], [{ upgrade_type: "websocket", connect_config: {} }])).toEqual([
      expect.stringMatching(/connect_config: only CONNECT has one$/),
    ]);
    expect(upgrades([{ upgrade_type: "connect-udp" }], [])).toEqual([
      expect.stringMatching(/tunnels of datagrams are not supported by the node engine$/),
    ]);
    expect(upgrades([], [{ upgrade_type: "CONNECT", connect_config: { allow_post: true } }])).toEqual([
      expect.stringMatching(/connect_config\.allow_post: not supported by the node engine$/),
    ]);
  });

  test("filters of an upgrade end in the router, as all do", () => {
    expect(upgrades([{ upgrade_type: "websocket", filters: [ROUTER, ROUTER] }], [])).toEqual([
      "upgrade_configs[0].filters[0]: the router must be the last filter",
    ]);
  });
});

describe("TCP proxy", () => {
  const tcp = (proxy: Json) => refusal(tcpListener({ name: "l", proxy }));

  test.each([
    ["neither a cluster nor several", { cluster: undefined }, /needs one of cluster, weighted_clusters$/],
    [
      "both",
      { cluster: "app", weighted_clusters: { clusters: [{ name: "app", weight: 1 }] } },
      /cannot both be set$/,
    ],
    [
      "no weight",
      { cluster: undefined, weighted_clusters: { clusters: [{ name: "app", weight: 0 }] } },
      /weight: must be at least 1$/,
    ],
    ["no time at all", { cluster: "app", max_downstream_connection_duration: "0s" }, /at least 0\.001s$/],
    ["two hashes", { cluster: "app", hash_policy: [{ source_ip: {} }, { source_ip: {} }] }, /at most one$/],
  ])("%s", (_, proxy, message) => {
    expect(tcp(proxy)).toEqual([expect.stringMatching(message)]);
  });
});
