import { expect, test } from "vitest";
import * as build from "../../support/bootstrap";
import { describeEngines } from "../../support/describe-engines";
import { guest } from "../../support/guests";
import { H2Client } from "../../support/h2-client";
import { RawClient } from "../../support/raw-client";
import { CLIENT_ID, mutualTls, testPki, tlsConnect } from "../../support/tls";

const pki = await testPki();
const READ = "id = prop connection uri_san_peer_certificate";

describeEngines("TLS: network filters before the HTTP connection manager", (engine) => {
  test.each(["h2", "http/1.1"])("they see plain bytes and who the client is: %s", async (protocol) => {
    const wasm = await guest("puppet");
    const plugin = (name: string, script: string) => ({
      name,
      rootId: name,
      vmId: name,
      wasm,
      configuration: script,
    });
    const proxy = await engine.start(
      build.bootstrap({
        listeners: [
          build.httpListener({
            name: "l",
            networkFilters: [
              build.networkWasmFilter(
                plugin(
                  "bytes",
                  `on downstream_data\n first = buffer 2 0 4\n ${READ}\non upstream_data\n ${READ}`,
                ),
              ),
            ],
            filters: [build.wasmFilter(plugin("http", `on request_headers\n ${READ}`))],
            routes: [{ match: { prefix: "/" }, direct_response: { status: 200 } }],
            filterChain: mutualTls(pki, { alpn_protocols: ["h2", "http/1.1"] }),
          }),
        ],
        clusters: [],
      }),
    );
    const socket = await tlsConnect(proxy.port(), { identity: pki.client, ALPNProtocols: [protocol] });
    if (protocol === "h2") {
      const client = await H2Client.over(socket);
      expect((await client.request()).status).toBe(200);
      client.close();
    } else {
      const client = RawClient.over(socket);
      expect((await client.exchange({})).status).toBe(200);
      client.close();
    }
    const said = (name: string) =>
      proxy.log.lines.flatMap(({ message }) => {
        const match = /^wasm log (\S+)[^:]*: (.*)$/s.exec(message);
        return match?.[1] === name ? [match[2]!] : [];
      });
    await proxy.log.waitFor(() => said("http")[0], "the HTTP filter");
    expect(said("bytes")[0]).toBe(`first=0 ${protocol === "h2" ? "PRI " : "GET "}`);
    expect(said("bytes")[1]).toBe(`id=0 ${CLIENT_ID}`);
    expect(said("http")).toEqual([`id=0 ${CLIENT_ID}`]);
  });
});
