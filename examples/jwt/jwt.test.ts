import { createSign, generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeEngines, type ProxyUnderTest } from "../../test/support/describe-engines";
import { exampleYaml } from "../../test/support/example";
import type { RawHeaders } from "../../test/support/http-message";
import { exchange } from "../../test/support/raw-client";
import { RawUpstream } from "../../test/support/raw-upstream";

const issuer = generateKeyPairSync("rsa", { modulusLength: 2048 });
const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
const GOOD = { iss: "https://issuer.example", sub: "alice", exp: Date.now() / 1000 + 600 };

function token(claims: object, key: KeyObject = issuer.privateKey, head: object = { alg: "RS256" }): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part(head)}.${part(claims)}`;
  return `${signed}.${createSign("sha256").update(signed).sign(key, "base64url")}`;
}

describeEngines("examples/jwt", (engine) => {
  let upstream: RawUpstream;
  let proxy: ProxyUnderTest;

  beforeAll(async () => {
    upstream = await RawUpstream.start();
    const pem = issuer.publicKey.export({ type: "spki", format: "pem" }).toString();
    const indented = pem.trim().replaceAll("\n", `\n${" ".repeat(30)}`);
    const yaml = exampleYaml("jwt", { 8080: upstream.port });
    proxy = await engine.start(yaml.replace(/-----BEGIN[\s\S]*END PUBLIC KEY-----/, indented));
  });
  afterAll(() => upstream?.close());

  const ask = (...credentials: string[]) =>
    exchange(proxy.port(), { headers: credentials.map((value) => ["Authorization", value] as const) });

  test("a good token tells the app who it is", async () => {
    const index = upstream.requests.length;
    const response = await exchange(proxy.port(), {
      headers: [
        ["Authorization", `Bearer ${token(GOOD)}`],
        ["X-Subject", "root"],
      ],
    });
    expect(response.status).toBe(200);
    expect((await upstream.request(index)).all("x-subject")).toEqual(["alice"]);
  });

  const good = token(GOOD);
  const [head, claims, signature] = good.split(".");
  test.each([
    ["no token", []],
    ["no token", ["Basic abc"]],
    // The proxy joins several values of this header.
    ["not a token", [`Bearer ${good}`, `Bearer ${good}`]],
    ["not a token", ["Bearer a.b"]],
    ["not a token", [`Bearer ${head}.${claims}.${signature}=`]],
    ["not a token", [`Bearer ${head}.W10.${signature}`]],
    ["wrong algorithm", [`Bearer ${token(GOOD, issuer.privateKey, { alg: "none" })}`]],
    ["wrong signature", [`Bearer ${token(GOOD, other.privateKey)}`]],
    ["wrong signature", [`Bearer ${head}.${claims}.`]],
    ["wrong issuer", [`Bearer ${token({ ...GOOD, iss: "somebody" })}`]],
    ["expired", [`Bearer ${token({ ...GOOD, exp: 1_000_000_000 })}`]],
    ["expired", [`Bearer ${token({ ...GOOD, exp: "never" })}`]],
  ])("%s", async (why, credentials) => {
    const response = await ask(...credentials);
    expect([response.status, response.text]).toEqual([401, `${why}\n`]);
    expect(response.header("www-authenticate")).toContain(why);
  });

  test("the token in README.md is good for the key in envoy.yaml", async () => {
    const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");
    const shown = /Bearer (\S+?)'/.exec(readme)![1]!;
    const running = await engine.start(exampleYaml("jwt", { 8080: upstream.port }));
    const request = { headers: [["Authorization", `Bearer ${shown}`]] satisfies RawHeaders };
    expect((await exchange(running.port(), request)).status).toBe(200);
  });
});
