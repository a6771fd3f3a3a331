import type { TLSSocket } from "node:tls";
import { expect, test } from "vitest";
import * as build from "../../support/bootstrap";
import { describeEngines, type ProxyUnderTest } from "../../support/describe-engines";
import { H2Client } from "../../support/h2-client";
import { exchange, RawClient } from "../../support/raw-client";
import { type ClientTls, downstreamTls, mutualTls, testPki, tlsConnect } from "../../support/tls";

const pki = await testPki();
const INSPECTOR = "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector";

const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;
const PROTOCOLS = [[], ["h2"], ["http/1.1"], ["istio", "h2"], ["nobody"]] as const;
const NAMES = [undefined, "server.example", "other.example"];
const IDENTITIES = {
  none: undefined,
  client: pki.client,
  "two names": pki.twoNames,
  "other authority": pki.impostor,
  expired: pki.expired,
};
const GOOD: readonly string[] = ["client", "two names"];

/** Listeners that answer with the name of the chain that was chosen. */
function listener(name: string, chains: Record<string, build.Json>): build.Json {
  const filter_chains = Object.entries(chains).map(([chain, more]) => {
    const routes = [
      { match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: chain } } },
    ];
    const made = build.httpListener({ name: chain, routes }) as { filter_chains: build.Json[] };
    return { ...made.filter_chains[0], ...more };
  });
  return {
    name,
    address: build.socketAddress(0),
    filter_chains,
    listener_filters: [
      { name: "envoy.filters.listener.tls_inspector", typed_config: { "@type": INSPECTOR } },
    ],
  };
}

const ALPN = { alpn_protocols: ["h2", "http/1.1"] };
const MODES: Readonly<Record<string, Record<string, build.Json>>> = {
  STRICT: { mesh: mutualTls(pki, ALPN) },
  PERMISSIVE: {
    mesh: {
      filter_chain_match: { application_protocols: ["istio"], transport_protocol: "tls" },
      ...mutualTls(pki, ALPN),
    },
    plain: { filter_chain_match: { transport_protocol: "raw_buffer" } },
    tls: { filter_chain_match: { transport_protocol: "tls" }, ...downstreamTls(pki.server, ALPN) },
  },
};

/** The chain's name, the protocol that was agreed on; "refused" when the connection ends without an answer. */
async function ask(port: number, tls: ClientTls): Promise<string> {
  let socket: TLSSocket;
  try {
    socket = await tlsConnect(port, tls);
  } catch {
    return "refused";
  }
  // node:http2 leaves it open.
  socket.on("error", () => socket.destroy());
  // In TLS 1.3 a client hears after its handshake that it is refused.
  const refused = new Promise<string>((resolve) => socket.once("close", () => resolve("refused")));
  const answered = (socket.alpnProtocol === "h2" ? askHttp2(socket) : askHttp1(socket)).catch(() => refused);
  const answer = await Promise.race([answered, refused]);
  socket.destroy();
  return answer;
}

async function askHttp2(socket: TLSSocket): Promise<string> {
  const client = await H2Client.over(socket);
  return `${(await client.request()).text} h2`;
}

async function askHttp1(socket: TLSSocket): Promise<string> {
  const { text } = await RawClient.over(socket).exchange({});
  return `${text} ${socket.alpnProtocol || "-"}`;
}

describeEngines("TLS: version x ALPN x name x identity", (engine) => {
  for (const [mode, chains] of Object.entries(MODES)) {
    test(mode, async () => {
      const proxy: ProxyUnderTest = await engine.start(
        build.bootstrap({ listeners: [listener(mode, chains)], clusters: [] }),
      );
      const port = proxy.port();
      const seen: string[] = [];
      const wanted: string[] = [];
      for (const version of VERSIONS)
        for (const protocols of PROTOCOLS)
          for (const servername of NAMES)
            for (const [who, identity] of Object.entries(IDENTITIES)) {
              const cell = `${version} [${protocols}] ${servername ?? "-"} ${who}: `;
              const answer = await ask(port, {
                minVersion: version,
                maxVersion: version,
                ...(protocols.length > 0 && { ALPNProtocols: [...protocols] }),
                ...(servername && { servername }),
                ...(identity && { identity }),
              });
              seen.push(cell + answer);
              const agreed = protocols.find((name) => ALPN.alpn_protocols.includes(name)) ?? "-";
              const mesh = mode === "STRICT" || (protocols as readonly string[]).includes("istio");
              wanted.push(
                cell + (!mesh ? `tls ${agreed}` : GOOD.includes(who) ? `mesh ${agreed}` : "refused"),
              );
            }
      expect(seen).toEqual(wanted);
      expect(seen.length).toBe(150);
      const plain = exchange(port).then(
        ({ text }) => text,
        () => "refused",
      );
      expect(await plain).toBe(mode === "STRICT" ? "refused" : "plain");
    }, 60_000);
  }
});
