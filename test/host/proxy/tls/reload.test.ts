import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CertificateAuthority, type Issued } from "../../../../host/certs/authority";
import type { RunningEngine } from "../../../../host/engine";
import { nodeEngine } from "../../../../host/proxy/index";
import { bootstrap, httpListener, type Json } from "../../../support/bootstrap";
import { RawClient } from "../../../support/raw-client";
import { tlsConnect, tlsRefused } from "../../../support/tls";

let dir: string;
let running: RunningEngine | undefined;
let log = "";
const writeLog = (line: string) => {
  log += line;
};
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "proxy-wasm-reload-"));
  log = "";
});
afterEach(async () => {
  await running?.kill();
  rmSync(dir, { recursive: true, force: true });
});

function write(folder: string, ca: Issued, leaf: Issued): void {
  for (const [name, text] of [
    ["ca.pem", ca.certificate],
    ["cert.pem", leaf.certificate],
    ["key.pem", leaf.key],
  ] as const) {
    // As rotation does it: files appear whole.
    writeFileSync(join(folder, `${name}.new`), text);
    renameSync(join(folder, `${name}.new`), join(folder, name));
  }
}

async function start(folder: string): Promise<number> {
  const at = (name: string): Json => ({ filename: join(folder, name) });
  const transport_socket = {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
      require_client_certificate: true,
      common_tls_context: {
        tls_certificates: [{ certificate_chain: at("cert.pem"), private_key: at("key.pem") }],
        validation_context: { trusted_ca: at("ca.pem") },
      },
    },
  };
  const routes = [{ match: { prefix: "/" }, direct_response: { status: 200 } }];
  const file = join(dir, "envoy.json");
  writeFileSync(
    file,
    JSON.stringify(
      bootstrap({
        listeners: [httpListener({ name: "l", routes, filterChain: { transport_socket } })],
        clusters: [],
      }),
    ),
  );
  running = await nodeEngine.start({ configPath: file, writeLog });
  return running.listeners[0]!.port;
}

/** Who the proxy says it is. */
async function shown(port: number, identity: Issued): Promise<string | undefined> {
  const socket = await tlsConnect(port, { identity });
  const name = socket.getPeerX509Certificate()?.subject;
  socket.destroy();
  return name;
}

const ca = await CertificateAuthority.create();
const other = await CertificateAuthority.create();
const [one, two, client, stranger] = await Promise.all([
  ca.issue({ subject: [{ CN: ["one"] }] }),
  other.issue({ subject: [{ CN: ["two"] }] }),
  ca.issue(),
  other.issue(),
]);

test("certificate, key and authority are read again; open connections go on", async () => {
  write(dir, ca, one);
  const port = await start(dir);
  const old = RawClient.over(await tlsConnect(port, { identity: client }));
  expect((await old.exchange({})).status).toBe(200);
  write(dir, other, two);
  await vi.waitFor(async () => expect(await shown(port, stranger)).toBe("CN=two"), 5000);
  await tlsRefused(port, { identity: client });
  expect((await old.exchange({})).status).toBe(200);
  old.close();
  expect(log).toMatch(/certificates read again: .*cert\.pem, .*key\.pem, .*ca\.pem/);
});

test("the link to a folder of certificates is moved, as Kubernetes does it", async () => {
  for (const name of ["first", "second"]) mkdirSync(join(dir, name));
  write(join(dir, "first"), ca, one);
  write(join(dir, "second"), ca, { ...(await ca.issue({ subject: [{ CN: ["second"] }] })) });
  symlinkSync("first", join(dir, "data"));
  for (const name of ["cert.pem", "key.pem", "ca.pem"]) symlinkSync(`data/${name}`, join(dir, name));
  const port = await start(dir);
  expect(await shown(port, client)).toBe("CN=one");
  symlinkSync("second", join(dir, "data.new"));
  renameSync(join(dir, "data.new"), join(dir, "data"));
  await vi.waitFor(async () => expect(await shown(port, client)).toBe("CN=second"), 5000);
});

test("what is of no use is said, and what was there before goes on", async () => {
  write(dir, ca, one);
  const port = await start(dir);
  writeFileSync(join(dir, "key.pem"), two.key);
  await vi.waitFor(() => expect(log).toContain("does not belong to the certificate"), 5000);
  expect(await shown(port, client)).toBe("CN=one");
  rmSync(join(dir, "cert.pem"));
  await vi.waitFor(() => expect(log).toContain("ENOENT"), 5000);
  expect(await shown(port, client)).toBe("CN=one");
  expect(log).not.toContain("PRIVATE KEY");
  write(dir, ca, await ca.issue({ subject: [{ CN: ["three"] }] }));
  await vi.waitFor(async () => expect(await shown(port, client)).toBe("CN=three"), 5000);
});
