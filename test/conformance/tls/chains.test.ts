import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import * as build from "../../support/bootstrap";
import { describeEngines, type ProxyUnderTest } from "../../support/describe-engines";
import { guest } from "../../support/guests";
import { exchange, RawClient } from "../../support/raw-client";
import { RawUpstream } from "../../support/raw-upstream";
import {
  CLIENT_ID,
  type ClientTls,
  downstreamTls,
  mutualTls,
  testPki,
  tlsConnect,
  tlsExchange,
  tlsRefused,
} from "../../support/tls";
import { TlsFront } from "../../support/tls-front";

const pki = await testPki();
const TYPE = "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector";
const INSPECTOR = [{ name: "envoy.filters.listener.tls_inspector", typed_config: { "@type": TYPE } }];

/** A chain that answers with its name. */
function chain(
  name: string,
  match?: build.Json,
  more: build.Json = {},
  filters: build.Json[] = [],
): build.Json {
  const routes = [
    { match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: name } } },
  ];
  const { filter_chains } = build.httpListener({ name, routes, filters }) as { filter_chains: build.Json[] };
  return { ...filter_chains[0], name, ...(match && { filter_chain_match: match }), ...more };
}

function listener(name: string, filter_chains: build.Json[], more: build.Json = {}): build.Json {
  return { name, address: build.socketAddress(0), stat_prefix: name, filter_chains, ...more };
}

const ISTIO = ["istio", "istio-peer-exchange", "istio-http/1.0", "istio-http/1.1", "istio-h2"];
const plain = downstreamTls(pki.server);

/** `mesh` for clients of the mesh, `tls` for other TLS, `plain` for the rest. */
const PERMISSIVE = [
  chain(
    "mesh",
    { transport_protocol: "tls", application_protocols: ISTIO },
    mutualTls(pki, { alpn_protocols: ["istio-peer-exchange", "h2", "http/1.1"] }),
  ),
  chain("plain", { transport_protocol: "raw_buffer" }),
];

const NAMES = [
  chain("exact", { server_names: ["a.b.example"] }, plain),
  chain("near", { server_names: ["*.b.example"] }, plain),
  chain("far", { server_names: ["*.example", "other.test"] }, plain),
  chain("any", undefined, plain),
];

const SOURCES = [
  chain("two", { source_prefix_ranges: [{ address_prefix: "127.0.0.2", prefix_len: 32 }] }),
  chain("all", { source_prefix_ranges: [{ address_prefix: "127.0.0.0", prefix_len: 8 }] }),
];

describeEngines("TLS: filter chains", (engine) => {
  let proxy: ProxyUnderTest;
  let upstream: RawUpstream;
  let front: TlsFront;

  beforeAll(async () => {
    upstream = await RawUpstream.start();
    const { certificate: cert, key } = pki.server;
    front = await TlsFront.start(upstream.server, { cert, key, requestCert: true, ca: pki.ca.certificate });
    const wasm = await guest("puppet");
    const puppet = (name: string, configuration: string) => ({
      name,
      rootId: name,
      vmId: name,
      wasm,
      configuration,
    });
    const sni = " sni = prop connection requested_server_name\n chain = prop xds filter_chain_name";
    const bytes = build.tcpListener({
      name: "passthrough",
      cluster: "tls",
      filters: [build.networkWasmFilter(puppet("passthrough", `on new_connection\n${sni}`))],
    }) as { filter_chains: build.Json[] };
    const http = build.wasmFilter(puppet("named", `on request_headers\n${sni}`));
    proxy = await engine.start(
      build.bootstrap({
        listeners: [
          listener("permissive", PERMISSIVE, { listener_filters: INSPECTOR }),
          listener("names", NAMES, { listener_filters: INSPECTOR }),
          listener("blind", NAMES),
          listener("sources", SOURCES),
          listener("default", [chain("exact", { server_names: ["a.example"] }, plain)], {
            default_filter_chain: chain("default"),
            listener_filters: INSPECTOR,
          }),
          listener("unseen", [chain("tls", { transport_protocol: "tls" }, plain), chain("rest")], {
            listener_filters: INSPECTOR,
          }),
          listener("named", [chain("n", { server_names: ["*.example"] }, plain, [http])], {
            listener_filters: INSPECTOR,
          }),
          listener(
            "passthrough",
            [
              {
                ...bytes.filter_chains[0],
                name: "bytes",
                filter_chain_match: { server_names: ["a.example"] },
              },
            ],
            { default_filter_chain: chain("default"), listener_filters: INSPECTOR },
          ),
          listener("slow", [chain("tls", { transport_protocol: "tls" }, plain), chain("plain")], {
            listener_filters: INSPECTOR,
            listener_filters_timeout: "0.3s",
          }),
          listener("patient", [chain("tls", { transport_protocol: "tls" }, plain), chain("plain")], {
            listener_filters: INSPECTOR,
            listener_filters_timeout: "0.3s",
            continue_on_listener_filters_timeout: true,
          }),
          listener("hurried", [
            chain("tls", undefined, { ...plain, transport_socket_connect_timeout: "0.3s" }),
          ]),
        ],
        clusters: [build.cluster("tls", front.port)],
      }),
    );
  });
  afterAll(() => Promise.all([upstream?.close(), front?.close()]));

  const counted = (name: string, value: number) =>
    vi.waitFor(async () => expect(await proxy.stat(name), name).toBe(value), 5000);
  const over = async (name: string, tls: ClientTls) => (await tlsExchange(proxy.port(name), tls)).text;

  describe("PERMISSIVE", () => {
    test("plain requests are served", async () => {
      expect((await exchange(proxy.port("permissive"))).text).toBe("plain");
    });

    test.each(ISTIO)("the mesh with its certificate: %s", async (name) => {
      for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
        const tls = { identity: pki.client, ALPNProtocols: [name], maxVersion: version };
        expect(await over("permissive", tls)).toBe("mesh");
      }
    });

    test("the first protocol in common is agreed on, in the proxy's order, or none", async () => {
      const agreed = async (ALPNProtocols: string[]) => {
        const socket = await tlsConnect(proxy.port("permissive"), { identity: pki.client, ALPNProtocols });
        socket.destroy();
        return socket.alpnProtocol;
      };
      expect(await agreed(["istio", "h2", "istio-peer-exchange"])).toBe("istio-peer-exchange");
      expect(await agreed(["istio"])).toBe(false);
    });

    test.each<[string, ClientTls]>([
      ["no certificate", {}],
      ["another authority", { identity: pki.impostor }],
      ["expired", { identity: pki.expired }],
    ])("the mesh without: %s", async (_, tls) => {
      for (const version of ["TLSv1.2", "TLSv1.3"] as const)
        await tlsRefused(proxy.port("permissive"), { ...tls, ALPNProtocols: ["istio"], maxVersion: version });
    });

    test("TLS of others matches nothing here", async () => {
      const before = await proxy.stat("listener.permissive.no_filter_chain_match");
      const refused = async (tls: ClientTls) =>
        ["ECONNRESET", "closed"].includes(await tlsRefused(proxy.port("permissive"), tls));
      expect(await refused({ identity: pki.client })).toBe(true);
      expect(await refused({ identity: pki.client, ALPNProtocols: ["h2"], servername: "a.example" })).toBe(
        true,
      );
      await counted("listener.permissive.no_filter_chain_match", before + 2);
    });
  });

  test.each([
    ["a.b.example", "exact"],
    ["A.B.Example", "exact"],
    ["x.b.example", "near"],
    ["x.y.b.example", "near"],
    ["b.example", "far"],
    ["other.test", "far"],
    ["x.other.test", "any"],
    ["example", "any"],
  ])("the name that is asked for chooses: %s", async (servername, name) => {
    expect(await over("names", { servername })).toBe(name);
  });

  test("without an inspector nobody knows names, nor what is TLS", async () => {
    expect(await over("blind", { servername: "a.b.example" })).toBe("any");
  });

  test("no name at all", async () => {
    expect(await over("names", {})).toBe("any");
  });

  test("the address of the client chooses, the narrowest range first", async () => {
    const from = async (address: string) => {
      const client = await RawClient.connect(proxy.port("sources"), "127.0.0.1", address);
      const { text } = await client.exchange({});
      client.close();
      return text;
    };
    expect(await from("127.0.0.2")).toBe("two");
    expect(await from("127.0.0.3")).toBe("all");
  });

  test("the default chain takes what no other does", async () => {
    expect((await exchange(proxy.port("default"))).text).toBe("default");
    expect(await over("default", { servername: "a.example" })).toBe("exact");
  });

  test("a chain without a match takes what is left", async () => {
    expect((await exchange(proxy.port("unseen"))).text).toBe("rest");
    expect(await over("unseen", {})).toBe("tls");
  });

  test("filters see the name and the chain", async () => {
    expect(await over("named", { servername: "Www.Example" })).toBe("n");
    const said = await proxy.log.waitFor(
      (lines) =>
        lines.find(({ message }) => message.startsWith("wasm log named") && message.includes("sni=")),
      "sni",
    );
    expect(said.message).toMatch(/: sni=0 www\.example$/);
    expect(proxy.log.lines.some(({ message }) => /^wasm log named.*: chain=0 n$/.test(message))).toBe(true);
  });

  test("TLS that is not for the proxy passes as it is, chosen by its name", async () => {
    expect((await exchange(proxy.port("passthrough"))).text).toBe("default");
    const response = await tlsExchange(proxy.port("passthrough"), {
      servername: "a.example",
      identity: pki.client,
      ca: pki.otherCa.certificate,
    });
    expect(response.text).toBe("ok");
    expect(front.greetings).toMatchObject([
      { servername: "a.example", names: expect.stringContaining(CLIENT_ID) },
    ]);
    const said = await proxy.log.waitFor(
      (lines) =>
        lines.find(({ message }) => message.startsWith("wasm log passthrough") && message.includes("sni=")),
      "sni",
    );
    expect(said.message).toMatch(/: sni=0 a\.example$/);
  });

  test("a client that says nothing is let go, or served as one of plain bytes", async () => {
    const silent = await RawClient.connect(proxy.port("slow"));
    await silent.closed;
    await counted("listener.slow.downstream_pre_cx_timeout", 1);
    const late = await RawClient.connect(proxy.port("patient"));
    await counted("listener.patient.downstream_pre_cx_timeout", 1);
    expect((await late.exchange({})).text).toBe("plain");
    late.close();
  });

  test("a handshake that takes too long is given up", async () => {
    const silent = await RawClient.connect(proxy.port("hurried"));
    await silent.closed;
    await counted("listener.hurried.downstream_cx_transport_socket_connect_timeout", 1);
    expect(await over("hurried", {})).toBe("tls");
  });

  test("what the inspector counts", async () => {
    const names = [
      "tls_found",
      "tls_not_found",
      "sni_found",
      "sni_not_found",
      "alpn_found",
      "alpn_not_found",
    ];
    const read = async () =>
      Object.fromEntries(
        await Promise.all(names.map(async (n) => [n, await proxy.stat(`tls_inspector.${n}`)] as const)),
      );
    const before = await read();
    await exchange(proxy.port("unseen"));
    await over("unseen", { servername: "a.example", ALPNProtocols: ["h2"] });
    await over("unseen", {});
    const moved = {
      tls_found: 2,
      tls_not_found: 1,
      sni_found: 1,
      sni_not_found: 1,
      alpn_found: 1,
      alpn_not_found: 1,
    };
    await vi.waitFor(async () => {
      const after = await read();
      expect(Object.fromEntries(names.map((n) => [n, after[n]! - before[n]!]))).toEqual(moved);
    }, 5000);
  });
});
