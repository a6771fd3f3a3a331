import { expect } from "vitest";
import { token } from "../../support/guest-bytes";
import { tcpConformance } from "../../support/tcp-conformance";
import { field } from "../../support/wire";

/** The call that names the cluster of a connection, for a script. */
function choose(cluster: string): string {
  const argument = Buffer.concat([field(1, "envoy.tcp_proxy.cluster"), field(2, cluster)]);
  return `foreign set_envoy_filter_state ${token(argument)}`;
}

tcpConformance("TCP filters: filter state", ({ behaviour }) => {
  behaviour(
    "a filter chooses the cluster that the TCP proxy connects to",
    {
      script: `on new_connection\n s = ${choose("b1")}\non downstream_data\n c = prop xds cluster_name`,
      proxy: { cluster: "http" },
    },
    async (b) => {
      const { client, upstream } = await b.pair();
      client.write("hello");
      await upstream.receives("hello");
      expect(await b.logged("s")).toBe("0");
      expect(await b.logged("c")).toBe("0 b1");
    },
  );

  behaviour(
    "a cluster that does not exist closes the connection",
    { script: `on new_connection\n s = ${choose("no-such-cluster")}` },
    async (b) => {
      const client = await b.connect();
      await client.ended();
      expect(await b.logged("s")).toBe("0");
      expect(b.upstream.connections).toEqual([]);
    },
  );

  behaviour(
    "what one filter sets, the next reads; properties too",
    {
      script: [
        `on new_connection\n ${choose("b3")}\n set-prop x mine`,
        "on new_connection\n c = prop filter_state envoy.tcp_proxy.cluster\n m = prop mine",
      ],
    },
    async (b) => {
      await b.pair();
      expect(await b.logged("c")).toBe("0 b3");
      expect(await b.logged("m")).toBe("0 x");
    },
  );
});
