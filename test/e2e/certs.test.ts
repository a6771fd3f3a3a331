import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cli } from "./support/program";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "proxy-wasm-certs-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function certs(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, "certs", ...args], {
    cwd: dir,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

const read = (file: string) => readFileSync(join(dir, file), "utf8");
const mode = (file: string) => statSync(join(dir, file)).mode & 0o777;

describe("proxy-wasm certs", () => {
  it("makes a CA and two identities; keys are for their owner alone", () => {
    const { status, stdout } = certs("c");
    expect(status).toBe(0);
    expect(stdout).toBe(
      "c/ca.pem  new CA\nc/default-server.pem  spiffe://cluster.local/ns/default/sa/server\n" +
        "c/default-client.pem  spiffe://cluster.local/ns/default/sa/client\n",
    );
    const names = ["ca", "default-client", "default-server"];
    expect(readdirSync(join(dir, "c")).sort()).toEqual(
      names.flatMap((name) => [`${name}-key.pem`, `${name}.pem`]),
    );
    for (const name of names) {
      expect(mode(`c/${name}-key.pem`)).toBe(0o600);
      expect(mode(`c/${name}.pem`)).toBe(0o644);
    }
    const ca = new X509Certificate(read("c/ca.pem"));
    const server = new X509Certificate(read("c/default-server.pem"));
    expect(server.checkIssued(ca)).toBe(true);
    expect(server.checkHost("localhost")).toBe("localhost");
  });

  it("--json, --trust-domain, --dns and --days", () => {
    const args = ["--trust-domain", "td", "--dns", "a.example", "b.example", "--days", "7", "--json"];
    const { stdout } = certs("c", "shop/cart", ...args);
    expect(JSON.parse(stdout)).toEqual({
      ca: { certificate: "c/ca.pem", key: "c/ca-key.pem", made: true },
      leaves: [
        {
          identity: "spiffe://td/ns/shop/sa/cart",
          certificate: "c/shop-cart.pem",
          key: "c/shop-cart-key.pem",
        },
      ],
    });
    const leaf = new X509Certificate(read("c/shop-cart.pem"));
    expect(leaf.subjectAltName).toMatch(
      /^URI:spiffe:\/\/td\/ns\/shop\/sa\/cart, DNS:a\.example, DNS:b\.example/,
    );
    const days = (leaf.validToDate.getTime() - Date.now()) / 86_400_000;
    expect(Math.round(days)).toBe(7);
  });

  it("more identities come from the CA that is there; nothing is overwritten without --force", () => {
    certs("c", "a/b");
    const before = read("c/ca.pem");
    expect(certs("c", "a/c")).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("the CA that was"),
    });
    expect(new X509Certificate(read("c/a-c.pem")).checkIssued(new X509Certificate(before))).toBe(true);
    const refused = certs("c", "a/d", "a/b");
    expect(refused).toMatchObject({ status: 2, stdout: "" });
    expect(refused.stderr).toContain("c/a-b-key.pem".replace("-key", ""));
    expect(refused.stderr).toContain("--force");
    expect(readdirSync(join(dir, "c"))).not.toContain("a-d.pem");
    expect(certs("c", "a/b", "--force").status).toBe(0);
    expect(read("c/ca.pem")).not.toBe(before);
  });

  it("a folder with somebody else's ca.pem is left alone", () => {
    mkdirSync(join(dir, "c"));
    writeFileSync(join(dir, "c/ca.pem"), "mine");
    expect(certs("c")).toMatchObject({ status: 2 });
    expect(read("c/ca.pem")).toBe("mine");
    expect(readdirSync(join(dir, "c"))).toEqual(["ca.pem"]);
  });

  it("wrong arguments are said by name", () => {
    expect(certs("c", "nobody")).toMatchObject({ status: 2, stderr: expect.stringContaining('"nobody"') });
    expect(certs("c", "a/b-c", "a-b/c").stderr).toContain("a-b-c.pem");
    expect(certs("c", "--days", "0")).toMatchObject({ status: 2 });
    expect(certs("c", "--trust-domain", "no domain")).toMatchObject({ status: 2 });
    expect(readdirSync(dir)).toEqual([]);
  });

  it("--help teaches: a client, and a listener that asks for certificates", () => {
    const { stdout } = certs("--help");
    for (const words of ["curl --cacert", "require_client_certificate", "0600"])
      expect(stdout).toContain(words);
  });
});
