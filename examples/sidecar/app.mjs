// The demo app behind the sidecar: it answers every path plainly and knows nothing of faults, roles or metrics.
import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

const PAGES = {
  "/hello": "hello from the app\n",
  "/private": "private page of the app\n",
  "/flaky": "the app itself never fails\n",
  "/slow": "the app itself is quick\n",
};

/** Listens on 127.0.0.1; port 0 takes a free one. `headers` come with every answer. */
export async function startApp(
  /** @type {number} */ port,
  /** @type {Record<string, string | number>} */ headers = {},
) {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://app").pathname;
    const body = path in PAGES ? PAGES[/** @type {keyof typeof PAGES} */ (path)] : "no such page\n";
    response.writeHead(path in PAGES ? 200 : 404, {
      "content-type": "text/plain",
      "content-length": Buffer.byteLength(body),
      ...headers,
    });
    response.end(body);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    port: /** @type {import("node:net").AddressInfo} */ (server.address()).port,
    async close() {
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, "close");
    },
  };
}

// node examples/sidecar/app.mjs [port]; x-app-port tells which of several has answered
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wanted = Number(process.argv[2] ?? 8080);
  const { port } = await startApp(wanted, { "x-app-port": wanted });
  console.log(`the app listens on 127.0.0.1:${port}`);
}
