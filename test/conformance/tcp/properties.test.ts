import { expect } from "vitest";
import { type TcpBehaviour, type TcpSetup, tcpConformance } from "../../support/tcp-conformance";
import { echo } from "../../support/tcp-peer";

/** Logs properties in a callback, each as `callback:path`. */
function script(callbacks: readonly string[], paths: readonly string[], verb = "prop"): string {
  const read = (callback: string) =>
    paths.map((path) => `  ${callback}:${path} = ${verb} ${path.replaceAll(".", " ")}`).join("\n");
  // Contexts of plugins are created too.
  return callbacks
    .map((callback) => `on ${callback}\n when $parent 0 : return 0\n${read(callback)}`)
    .join("\n");
}

/** Sends three bytes, waits for the echo, resets. */
async function run(b: TcpBehaviour): Promise<{ sourcePort: number }> {
  const client = await b.connect();
  client.write("abc");
  await client.receives("abc");
  const { localPort } = client.socket;
  client.reset();
  return { sourcePort: localPort! };
}

/** Waits for the proxy to close a connection. */
async function refused(b: TcpBehaviour): Promise<void> {
  await (await b.connect()).over();
}

const ALL = [
  "context_create",
  "new_connection",
  "downstream_data",
  "upstream_data",
  "downstream_connection_close",
  "done",
  "log",
  "delete",
];
const [BEFORE, AFTER] = [ALL.slice(0, 2), ALL.slice(2)];

tcpConformance("TCP filters: properties", ({ behaviour }) => {
  behaviour(
    "addresses and the connection, in every callback",
    {
      script: script(ALL, [
        "source.address",
        "destination.address",
        "connection.requested_server_name",
        "connection.mtls",
        "connection.tls_version",
        "connection.termination_details",
      ]),
      upstream: echo,
    },
    async (b) => {
      const { sourcePort } = await run(b);
      for (const callback of ALL) {
        const logged = (path: string) => b.logged(`${callback}:${path}`);
        expect(await logged("source.address")).toBe(`0 127.0.0.1:${sourcePort}`);
        expect(await logged("destination.address")).toBe(`0 127.0.0.1:${b.port}`);
        expect(await logged("connection.requested_server_name")).toBe("0");
        expect(await logged("connection.mtls")).toBe("0 %00");
        expect(await logged("connection.tls_version")).toBe("1");
        expect(await logged("connection.termination_details")).toBe("1");
      }
    },
  );

  behaviour(
    "ports are numbers",
    { script: script(["new_connection"], ["source.port", "destination.port"], "prop-int"), upstream: echo },
    async (b) => {
      const { sourcePort } = await run(b);
      expect(await b.logged("new_connection:source.port")).toBe(`0 ${sourcePort}`);
      expect(await b.logged("new_connection:destination.port")).toBe(`0 ${b.port}`);
    },
  );

  behaviour(
    "connection ids are the connection's own",
    { script: script(["new_connection"], ["connection.id", "connection_id"], "prop-int"), upstream: echo },
    async (b) => {
      await run(b);
      await run(b);
      const ids = await b.allLogged("new_connection:connection.id");
      expect(ids.length).toBe(2);
      expect(ids[0]).not.toBe(ids[1]);
      expect(await b.allLogged("new_connection:connection_id")).toEqual(ids);
    },
  );

  behaviour(
    "the upstream, from the first bytes on",
    {
      script: script(ALL, [
        "upstream.address",
        "upstream.local_address",
        "upstream.transport_failure_reason",
        "upstream.tls_version",
        "xds.cluster_name",
        "xds.cluster_metadata",
        "xds.upstream_host_metadata",
        "upstream_filter_state",
      ]),
      upstream: echo,
    },
    async (b) => {
      await run(b);
      const local = `127.0.0.1:${b.upstream.connections[0]!.remotePort}`;
      const expected: Record<string, [before: string, after: string]> = {
        "upstream.address": ["1", `0 127.0.0.1:${b.upstream.port}`],
        "upstream.local_address": ["1", `0 ${local}`],
        "upstream.transport_failure_reason": ["0", "0"],
        "upstream.tls_version": ["1", "1"],
        "xds.cluster_name": ["1", `0 ${b.id}`],
        "xds.cluster_metadata": ["1", "0"],
        "xds.upstream_host_metadata": ["1", "3"],
        upstream_filter_state: ["1", "3"],
      };
      for (const [path, values] of Object.entries(expected))
        for (const [i, callbacks] of [BEFORE, AFTER].entries())
          for (const callback of callbacks)
            expect([callback, path, await b.logged(`${callback}:${path}`)]).toEqual([
              callback,
              path,
              values[i],
            ]);
    },
  );

  behaviour(
    "counts: attempts, hosts, bytes",
    {
      script: script(
        ALL,
        [
          "upstream.request_attempt_count",
          "upstream.num_endpoints",
          "request.size",
          "request.total_size",
          "response.size",
          "response.total_size",
          "response.flags",
        ],
        "prop-int",
      ),
      upstream: echo,
    },
    async (b) => {
      await run(b);
      const [first, last] = ["new_connection", "log"];
      const expected: Record<string, [before: string, after: string]> = {
        "upstream.request_attempt_count": ["0 0", "0 1"],
        "upstream.num_endpoints": ["1", "0 1"],
        "request.size": ["0 0", "0 3"],
        "request.total_size": ["0 0", "0 3"],
        "response.size": ["0 0", "0 3"],
        "response.total_size": ["0 0", "0 3"],
        "response.flags": ["0 0", "0 0"],
      };
      for (const [path, values] of Object.entries(expected)) {
        expect([path, await b.logged(`${first}:${path}`)]).toEqual([path, values[0]]);
        expect([path, await b.logged(`${last}:${path}`)]).toEqual([path, values[1]]);
      }
      // Bytes count where the proxy at the end of the chain has seen them.
      expect(await b.logged("downstream_data:request.size")).toBe("0 3");
      expect(await b.logged("upstream_data:response.size")).toBe("0 0");
    },
  );

  const ENDS = script(
    ["log"],
    [
      "connection.termination_details",
      "response.code_details",
      "upstream.address",
      "upstream.local_address",
      "upstream.transport_failure_reason",
      "xds.cluster_name",
    ],
  ).concat("\n  flags = prop-int response flags\n  attempts = prop-int upstream request_attempt_count");
  const NO_HOST = { load_assignment: { cluster_name: "none" } };
  const REFUSED = "0 delayed connect error: Connection refused";
  /** How a connection ended, and what the log callback reads of it. `host`: its address is known; `local`: it was connected. */
  const ENDINGS: readonly [
    what: string,
    setup: Partial<TcpSetup>,
    end: (b: TcpBehaviour) => Promise<void>,
    read: {
      flags: number;
      attempts: number;
      cluster: boolean;
      host: boolean;
      local: boolean;
      failure: string;
    },
  ][] = [
    [
      "the client resets",
      { upstream: echo },
      async (b) => void (await run(b)),
      { flags: 0, attempts: 1, cluster: true, host: true, local: true, failure: "0" },
    ],
    [
      "the upstream resets",
      {},
      async (b) => {
        const { client, upstream } = await b.pair();
        client.write("x");
        await upstream.receives("x");
        upstream.reset();
        await client.over();
      },
      { flags: 1 << 4, attempts: 1, cluster: true, host: true, local: true, failure: "0" },
    ],
    [
      "nothing moves for idle_timeout",
      { proxy: { idle_timeout: "0.1s" } },
      refused,
      { flags: 0, attempts: 1, cluster: true, host: true, local: true, failure: "0" },
    ],
    [
      "close_stream comes before the upstream is asked for",
      { script: `${ENDS}\non new_connection\n close 2` },
      refused,
      { flags: 0, attempts: 0, cluster: false, host: false, local: false, failure: "0" },
    ],
    [
      "the cluster does not exist",
      { proxy: { cluster: "nowhere" } },
      refused,
      { flags: 1 << 24, attempts: 0, cluster: false, host: false, local: false, failure: "0" },
    ],
    [
      "the cluster has no host",
      { cluster: NO_HOST },
      refused,
      { flags: 1 << 1, attempts: 0, cluster: true, host: false, local: false, failure: "0" },
    ],
    [
      "three attempts are refused",
      { dead: true, proxy: { max_connect_attempts: 3 } },
      refused,
      { flags: (1 << 5) | (1 << 15), attempts: 3, cluster: true, host: true, local: false, failure: REFUSED },
    ],
  ];
  for (const [what, setup, end, read] of ENDINGS)
    behaviour(`in on_log, when ${what}`, { script: ENDS, ...setup }, async (b) => {
      await end(b);
      const logged = (path: string) => b.logged(`log:${path}`);
      const status = async (path: string) => (await logged(path)).split(" ")[0];
      expect(await b.logged("flags")).toBe(`0 ${read.flags}`);
      expect(await b.logged("attempts")).toBe(`0 ${read.attempts}`);
      expect(await logged("upstream.transport_failure_reason")).toBe(read.failure);
      expect(await logged("xds.cluster_name")).toBe(read.cluster ? `0 ${b.id}` : "1");
      expect(await status("upstream.address")).toBe(read.host ? "0" : "1");
      expect(await status("upstream.local_address")).toBe(read.local ? "0" : "1");
      expect(await status("connection.termination_details")).toBe("1");
      expect(await status("response.code_details")).toBe("1");
    });

  const HTTP_ONLY = {
    "request.path": "1",
    "request.protocol": "1",
    "request.duration": "1",
    "request.id": "1",
    "request.headers": "0 %00%00%00%00",
    "request.headers_bytes": "0 %00%00%00%00%00%00%00%00",
    "response.code": "1",
    "response.code_details": "1",
    "response.headers": "0 %00%00%00%00",
    "response.grpc_status": "1",
    "response.backend_latency": "1",
    "xds.route_name": "1",
    "xds.route_metadata": "1",
    "xds.virtual_host_name": "1",
    "xds.virtual_host_metadata": "1",
  };
  behaviour(
    "what belongs to HTTP is absent or empty",
    { script: script(["new_connection", "log"], Object.keys(HTTP_ONLY)), upstream: echo },
    async (b) => {
      await run(b);
      for (const callback of ["new_connection", "log"])
        for (const [path, value] of Object.entries(HTTP_ONLY))
          expect([callback, path, await b.logged(`${callback}:${path}`)]).toEqual([callback, path, value]);
    },
  );

  behaviour(
    "listener, node and plugin",
    {
      script: script(
        ["new_connection", "delete"],
        [
          "xds.listener_direction",
          "xds.filter_chain_name",
          "xds.node.id",
          "plugin_name",
          "plugin_root_id",
          "plugin_vm_id",
        ],
      ),
      listener: { traffic_direction: "OUTBOUND" },
      upstream: echo,
    },
    async (b) => {
      await run(b);
      for (const callback of ["new_connection", "delete"]) {
        const logged = (path: string) => b.logged(`${callback}:${path}`);
        expect(await logged("xds.listener_direction")).toBe("0 %02%00%00%00%00%00%00%00");
        expect(await logged("xds.filter_chain_name")).toBe("0");
        expect(await logged("xds.node.id")).toBe("0 test-node");
        for (const path of ["plugin_name", "plugin_root_id", "plugin_vm_id"])
          expect(await logged(path)).toBe(`0 ${b.id}`);
      }
    },
  );

  behaviour(
    "set_property is seen by later callbacks and by other filters, not by other connections",
    {
      script: [
        "on new_connection\n before = prop mine\n s = set-prop value mine",
        "on new_connection\n other = prop mine\non log\n last = prop mine",
      ],
      upstream: echo,
    },
    async (b) => {
      await run(b);
      await run(b);
      await b.messages();
      expect(await b.allLogged("before")).toEqual(["1", "1"]);
      expect(await b.allLogged("s")).toEqual(["0", "0"]);
      expect(await b.allLogged("other")).toEqual(["0 value", "0 value"]);
      expect(await b.logged("last")).toBe("0 value");
    },
  );
});
