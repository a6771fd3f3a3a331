import { expect } from "vitest";
import { conformance, type Setup } from "../support/conformance";
import { double, percent } from "../support/guest-bytes";

/** One line a property: `name = verb segments`, in one callback. */
function reading(callback: string, lines: Record<string, string>): Setup {
  const body = Object.entries(lines).map(([name, line]) => ` ${name} = ${line}`);
  return { script: `on ${callback}\n${body.join("\n")}` };
}

const MORE = {
  node: {
    id: "node-1",
    cluster: "cluster-1",
    locality: { region: "r1", zone: "z1", sub_zone: "s1" },
    metadata: {
      LABELS: { app: "shop", "app.kubernetes.io/name": "dotted" },
      NUMBER: 5,
      FLAG: true,
      LIST: ["a", "b"],
      NOTHING: null,
    },
  },
};

conformance(
  "Properties",
  ({ behaviour }) => {
    behaviour(
      "request.* in request headers",
      reading("request_headers", {
        path: "prop request path",
        url: "prop request url_path",
        query: "prop request query",
        host: "prop request host",
        scheme: "prop request scheme",
        method: "prop request method",
        referer: "prop request referer",
        agent: "prop request useragent",
        id: "prop request id",
        protocol: "prop request protocol",
      }),
      async (b) => {
        await b.exchange({
          path: "/a/b?c=d&e",
          host: "host.example:81",
          headers: [
            ["referer", "http://r/"],
            ["user-agent", "ua/1"],
          ],
        });
        expect(await b.logged("path")).toBe("0 /a/b?c=d&e");
        expect(await b.logged("url")).toBe("0 /a/b");
        expect(await b.logged("query")).toBe("0 c=d&e");
        expect(await b.logged("host")).toBe("0 host.example:81");
        expect(await b.logged("scheme")).toBe("0 http");
        expect(await b.logged("method")).toBe("0 GET");
        expect(await b.logged("referer")).toBe("0 http://r/");
        expect(await b.logged("agent")).toBe("0 ua/1");
        expect(await b.logged("id")).toMatch(/^0 [0-9a-f-]{36}$/);
        expect(await b.logged("protocol")).toBe("0 HTTP/1.1");
      },
    );

    behaviour(
      "a request without query has an empty one; headers that are missing are NotFound",
      reading("request_headers", {
        query: "prop request query",
        referer: "prop request referer",
        header: "prop request headers x-none",
      }),
      async (b) => {
        await b.exchange();
        expect(await b.logged("query")).toBe("0");
        expect(await b.logged("referer")).toBe("1");
        expect(await b.logged("header")).toBe("1");
      },
    );

    behaviour(
      "request.headers: one by name joins its values, all of them make a map",
      reading("request_headers", { one: "prop request headers X-A", all: "prop-pairs request headers" }),
      async (b) => {
        await b.exchange({
          path: "/h",
          headers: [
            ["x-a", "1"],
            ["x-a", "2"],
          ],
        });
        expect(await b.logged("one")).toBe("0 1,2");
        expect((await b.logged("all")).slice(2).split("|")).toContain(":path=/h");
      },
    );

    behaviour(
      "request.* is absent in the body callback and in the response phase",
      {
        script: `
          on request_body
            path = prop request path
            header = prop request headers x-a
          on response_headers
            host = prop request host`,
      },
      async (b) => {
        await b.exchange({ method: "POST", body: "x", headers: [["x-a", "1"]] });
        expect(await b.logged("path")).toBe("1");
        expect(await b.logged("header")).toBe("1");
        expect(await b.logged("host")).toBe("1");
      },
    );

    behaviour(
      "request.path and response.code are there in on_log",
      reading("log", {
        path: "prop request path",
        code: "prop-int response code",
        size: "prop-int request size",
        rsize: "prop-int response size",
        duration: "prop-int request duration",
      }),
      async (b) => {
        await b.exchange({ method: "POST", path: "/logged", body: "12345" });
        expect(await b.logged("path")).toBe("0 /logged");
        expect(await b.logged("code")).toBe("0 200");
        expect(await b.logged("size")).toBe("0 5");
        expect(await b.logged("rsize")).toBe("0 2");
        expect(Number((await b.logged("duration")).slice(2))).toBeGreaterThan(0);
      },
    );

    behaviour(
      "response.code and its details in response headers",
      reading("response_headers", {
        code: "prop-int response code",
        details: "prop response code_details",
        header: "prop response headers x-up",
        flags: "prop-int response flags",
      }),
      async (b) => {
        b.upstream.handler = (_, reply) => reply.send({ status: 203, headers: [["x-up", "1"]] });
        await b.exchange();
        expect(await b.logged("code")).toBe("0 203");
        expect(await b.logged("details")).toBe("0 via_upstream");
        expect(await b.logged("header")).toBe("0 1");
        expect(await b.logged("flags")).toBe("0 0");
      },
    );

    behaviour(
      "response.* before the response: no code, no details",
      reading("request_headers", { code: "prop-int response code", details: "prop response code_details" }),
      async (b) => {
        await b.exchange();
        expect(await b.logged("code")).toBe("1");
        expect(await b.logged("details")).toBe("1");
      },
    );

    behaviour(
      "request.time is near now, in nanoseconds",
      reading("request_headers", { time: "prop-int request time" }),
      async (b) => {
        await b.exchange();
        const ms = Number(BigInt((await b.logged("time")).slice(2)) / 1_000_000n);
        expect(Math.abs(Date.now() - ms)).toBeLessThan(60_000);
      },
    );

    behaviour(
      "source.* and destination.* are the client's connection",
      reading("request_headers", {
        source: "prop source address",
        port: "prop-int source port",
        destination: "prop destination address",
        dport: "prop-int destination port",
      }),
      async (b) => {
        const client = await b.connect();
        await client.exchange({});
        expect(await b.logged("source")).toBe(`0 127.0.0.1:${client.socket.localPort}`);
        expect(await b.logged("port")).toBe(`0 ${client.socket.localPort}`);
        expect(await b.logged("destination")).toBe(`0 127.0.0.1:${b.port}`);
        expect(await b.logged("dport")).toBe(`0 ${b.port}`);
        client.close();
      },
    );

    behaviour(
      "connection.id stays the same on one connection and differs between two",
      reading("request_headers", { id: "prop-int connection id", same: "prop-int connection_id" }),
      async (b) => {
        const client = await b.connect();
        await client.exchange({});
        await client.exchange({});
        client.close();
        await b.exchange();
        const [first, second, third] = await b.allLogged("id");
        expect(first).toBe(second);
        expect(third).not.toBe(first);
        expect((await b.allLogged("same"))[0]).toBe(first);
      },
    );

    behaviour(
      "connection.mtls is false and requested_server_name empty on plain TCP",
      reading("request_headers", {
        mtls: "prop connection mtls",
        sni: "prop connection requested_server_name",
        tls: "prop connection tls_version",
      }),
      async (b) => {
        await b.exchange();
        expect(await b.logged("mtls")).toBe("0 %00");
        expect(await b.logged("sni")).toBe("0");
        expect(await b.logged("tls")).toBe("1");
      },
    );

    behaviour(
      "upstream.* once the host is known",
      {
        script:
          "on request_headers\n early = prop upstream address\non response_headers\n address = prop upstream address\n port = prop-int upstream port",
      },
      async (b) => {
        await b.exchange();
        expect(await b.logged("early")).toBe("1");
        expect(await b.logged("address")).toBe(`0 127.0.0.1:${b.upstream.port}`);
        expect(await b.logged("port")).toBe(`0 ${b.upstream.port}`);
      },
    );

    behaviour(
      "plugin_name, plugin_root_id, plugin_vm_id, from vm_start on",
      {
        script:
          "on vm_start\n name = prop plugin_name\n root = prop plugin_root_id\non request_headers\n vm = prop plugin_vm_id",
      },
      async (b) => {
        await b.exchange();
        expect(await b.logged("name")).toBe(`0 ${b.id}`);
        expect(await b.logged("root")).toBe(`0 ${b.id}`);
        expect(await b.logged("vm")).toBe(`0 ${b.id}`);
      },
    );

    behaviour(
      "xds.node: id, cluster, locality, nested metadata, also in a root context",
      {
        script: `
          on configure
            id = prop xds node id
          on request_headers
            cluster = prop xds node cluster
            region = prop xds node locality region
            app = prop xds node metadata LABELS app
            dotted = prop xds node metadata LABELS app.kubernetes.io/name
            all = prop-pairs xds node metadata LABELS`,
      },
      async (b) => {
        await b.exchange();
        expect(await b.logged("id")).toBe("0 node-1");
        expect(await b.logged("cluster")).toBe("0 cluster-1");
        expect(await b.logged("region")).toBe("0 r1");
        expect(await b.logged("app")).toBe("0 shop");
        expect(await b.logged("dotted")).toBe("0 dotted");
        expect((await b.logged("all")).slice(2).split("|").sort()).toEqual([
          "app.kubernetes.io/name=dotted",
          "app=shop",
        ]);
      },
    );

    behaviour(
      "metadata values: a number is a double, a bool one byte, a list pairs with empty values, null not serializable",
      reading("request_headers", {
        number: "prop xds node metadata NUMBER",
        flag: "prop xds node metadata FLAG",
        list: "prop-pairs xds node metadata LIST",
        second: "prop xds node metadata LIST 1",
        past: "prop xds node metadata LIST 2",
        nothing: "prop xds node metadata NOTHING",
      }),
      async (b) => {
        await b.exchange();
        expect(await b.logged("number")).toBe(`0 ${percent(double(5))}`);
        expect(await b.logged("flag")).toBe("0 %01");
        expect(await b.logged("list")).toBe("0 a=|b=");
        expect(await b.logged("second")).toBe("0 b");
        expect(await b.logged("past")).toBe("1");
        expect(await b.logged("nothing")).toBe("3");
      },
    );

    behaviour(
      "xds.cluster_name, route_name, virtual_host_name and their metadata",
      {
        script: `
          on request_headers
            cluster = prop xds cluster_name
            route = prop xds route_name
            host = prop xds virtual_host_name
            rmeta = prop xds route_metadata filter_metadata test key
            cmeta = prop xds cluster_metadata filter_metadata test key`,
        routes: (id) => [
          {
            name: "named-route",
            match: { prefix: "/" },
            route: { cluster: id },
            metadata: { filter_metadata: { test: { key: "of-route" } } },
          },
        ],
        cluster: { metadata: { filter_metadata: { test: { key: "of-cluster" } } } },
      },
      async (b) => {
        await b.exchange();
        expect(await b.logged("cluster")).toBe(`0 ${b.id}`);
        expect(await b.logged("route")).toBe("0 named-route");
        expect(await b.logged("host")).toBe(`0 ${b.id}_host`);
        expect(await b.logged("rmeta")).toBe("0 of-route");
        expect(await b.logged("cmeta")).toBe("0 of-cluster");
      },
    );

    behaviour(
      "xds.listener_direction follows traffic_direction",
      {
        ...reading("request_headers", { direction: "prop-int xds listener_direction" }),
        listener: { traffic_direction: "INBOUND" },
      },
      async (b) => {
        await b.exchange();
        expect(await b.logged("direction")).toBe("0 1");
      },
    );

    behaviour(
      "an empty path and a bare namespace are not serializable, unknown names NotFound",
      reading("request_headers", {
        empty: "prop",
        bare: "prop request",
        unknown: "prop nothing",
        below: "prop request nothing",
        scalar: "prop request path more",
      }),
      async (b) => {
        await b.exchange();
        expect(await b.logged("empty")).toBe("3");
        expect(await b.logged("bare")).toBe("3");
        expect(await b.logged("unknown")).toBe("1");
        expect(await b.logged("below")).toBe("1");
        expect(await b.logged("scalar")).toBe("1");
      },
    );

    behaviour(
      "the old bare names are gone: node, cluster_name, route_name",
      reading("request_headers", {
        node: "prop node id",
        cluster: "prop cluster_name",
        route: "prop route_name",
      }),
      async (b) => {
        await b.exchange();
        expect(await b.logged("node")).toBe("1");
        expect(await b.logged("cluster")).toBe("1");
        expect(await b.logged("route")).toBe("1");
      },
    );

    behaviour(
      "set_property: read back by its name and through filter_state, in later callbacks and other filters",
      {
        script: [
          "on request_headers\n s = set-prop value mine\n a = prop mine\n f = prop filter_state wasm.mine",
          "on response_headers\n b = prop mine",
        ],
      },
      async (b) => {
        await b.exchange();
        expect(await b.logged("s")).toBe("0");
        expect(await b.logged("a")).toBe("0 value");
        expect(await b.logged("f")).toBe("0 value");
        expect(await b.logged("b")).toBe("0 value");
      },
    );

    behaviour(
      "set_property: overwritten by a second one; several segments can be set, not read back",
      {
        script:
          "on request_headers\n set-prop one mine\n set-prop two mine\n a = prop mine\n s = set-prop x seg1 seg2\n r = prop seg1 seg2",
      },
      async (b) => {
        await b.exchange();
        expect(await b.logged("a")).toBe("0 two");
        expect(await b.logged("s")).toBe("0");
        expect(await b.logged("r")).toBe("1");
      },
    );

    behaviour(
      "set_property lasts for its own request only",
      { script: "on request_headers\n before = prop mine\n set-prop x mine" },
      async (b) => {
        const client = await b.connect();
        await client.exchange({});
        await client.exchange({});
        client.close();
        expect(await b.allLogged("before")).toEqual(["1", "1"]);
      },
    );

    behaviour(
      "in a root context there is no stream: set_property and request.path NotFound",
      { script: "on configure\n s = set-prop x mine\n p = prop request path" },
      async (b) => {
        await b.exchange();
        expect(await b.logged("s")).toBe("1");
        expect(await b.logged("p")).toBe("1");
      },
    );
  },
  { bootstrap: MORE },
);
