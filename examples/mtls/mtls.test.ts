import { afterAll, beforeAll, expect, test } from "vitest";
import { CertificateAuthority, type Issued } from "../../host/certs/authority";
import { describeEngines, type ProxyUnderTest } from "../../test/support/describe-engines";
import { exampleYaml } from "../../test/support/example";
import { exchange } from "../../test/support/raw-client";
import { RawUpstream } from "../../test/support/raw-upstream";
import { tlsExchange, tlsRefused } from "../../test/support/tls";
import { TlsFront } from "../../test/support/tls-front";

const CLIENT = "spiffe://cluster.local/ns/default/sa/client";
const ca = await CertificateAuthority.create();
const [server, client, stranger] = await Promise.all(
  ["default/sa/server", "default/sa/client", "other/sa/client"].map((name) =>
    ca.issue({ uris: [`spiffe://cluster.local/ns/${name}`] }),
  ),
);

describeEngines("examples/mtls", (engine) => {
  let app: RawUpstream;
  let proxy: ProxyUnderTest;
  /** The proxy at the other end, as this one's outbound side meets it. */
  let peer: TlsFront;

  beforeAll(async () => {
    app = await RawUpstream.start();
    const { certificate: cert, key } = server!;
    peer = await TlsFront.start(app.server, { cert, key, requestCert: true, ca: ca.certificate });
    const files = (name: string, { certificate, key }: Issued) => ({
      [`${name}.pem`]: certificate,
      [`${name}-key.pem`]: key,
    });
    const text = exampleYaml("mtls", { 8080: app.port }).replaceAll("examples/mtls/certs", "@dir@");
    const at = text.lastIndexOf("- name: peer");
    const yaml = text.slice(0, at) + text.slice(at).replace("port_value: 0", `port_value: ${peer.port}`);
    proxy = await engine.start(yaml, {
      files: { ...files("ca", ca), ...files("default-server", server!), ...files("default-client", client!) },
    });
  });
  afterAll(() => Promise.all([app?.close(), peer?.close()]));

  test("a client of the namespace is served, and the app knows it", async () => {
    const forged = { headers: [["x-forwarded-client-cert", "URI=spiffe://me"]] as [string, string][] };
    const response = await tlsExchange(proxy.port("inbound"), { identity: client! }, forged);
    expect(response.text).toBe("ok");
    const told = app.requests.at(-1)!.header("x-forwarded-client-cert");
    expect(told).toMatch(/^By=spiffe:\/\/cluster\.local\/ns\/default\/sa\/server;Hash=[0-9a-f]{64};/);
    expect(told?.endsWith(`;URI=${CLIENT}`)).toBe(true);
  });

  test("nobody else is", async () => {
    await tlsRefused(proxy.port("inbound"));
    await tlsRefused(proxy.port("inbound"), { identity: stranger! });
    await expect(exchange(proxy.port("inbound"))).rejects.toThrow();
  });

  test("what leaves is plain here and goes out with the proxy's certificate", async () => {
    expect((await exchange(proxy.port("outbound"))).text).toBe("ok");
    expect(peer.greetings).toMatchObject([
      { servername: "server.default", version: "TLSv1.3", names: `URI:${CLIENT}` },
    ]);
  });
});
