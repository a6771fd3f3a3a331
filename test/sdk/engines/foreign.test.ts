import { generateKeyPairSync, sign } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import * as build from "../../support/bootstrap";
import { describeEngines, type ProxyUnderTest } from "../../support/describe-engines";
import { exchange } from "../../support/raw-client";
import { buildGuest } from "../support/build-guest";

const TEXT = Buffer.from("signed text");
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const curve = generateKeyPairSync("ec", { namedCurve: "P-256" });
const signature = sign("sha256", TEXT, rsa.privateKey).toString("base64");
const spki = { type: "spki", format: "pem" } as const;

const CONFIG = {
  pem: rsa.publicKey.export(spki).toString(),
  der: rsa.publicKey.export({ type: "spki", format: "der" }).toString("base64"),
  private: rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  signature,
  ecPem: curve.publicKey.export(spki).toString(),
  ecSignature: sign("sha256", TEXT, curve.privateKey).toString("base64"),
};

let wasm: string;
beforeAll(async () => {
  wasm = await buildGuest("foreign");
});

describeEngines("SDK foreign functions", (engine) => {
  let proxy: ProxyUnderTest;
  beforeAll(async () => {
    proxy = await engine.start(
      build.bootstrap({
        listeners: [
          build.httpListener({
            name: "main",
            filters: [build.wasmFilter({ name: "foreign", wasm, configuration: JSON.stringify(CONFIG) })],
            routes: [{ match: { prefix: "/" }, direct_response: { status: 200 } }],
          }),
        ],
        clusters: [],
      }),
    );
  });
  const ask = async (path: string) => (await exchange(proxy.port(), { path })).text;

  test("a function the proxy does not have", async () => {
    expect(await ask("/unknown")).toBe("true 1");
  });

  test("compress and uncompress; what is no zlib stream", async () => {
    expect(await ask("/compress")).toBe("true true true 3");
  });

  test("verify_signature: RSA and ECDSA, PEM and DER; wrong text, hash and key", async () => {
    expect((await ask("/verify")).split("\n")).toEqual([
      "true ",
      "false Failed to verify digest. Error code: 0",
      "false md0 is not supported.",
      "false Failed to initialize digest verify.",
      "true ",
      "true ",
    ]);
  });

  test("sign", async () => {
    expect(await ask("/sign")).toBe(`true 0 ${signature} false true`);
  });

  test("declare_property: spans, read-only, twice", async () => {
    expect(await ask("/declare")).toBe("0 0 2 null 0 2");
  });

  test("set_envoy_filter_state", async () => {
    expect(await ask("/filter-state")).toBe("0 mine 1");
  });

  test("CEL expressions", async () => {
    expect(await ask("/expression")).toBe("GET /expression true true true 0 true");
  });
});
