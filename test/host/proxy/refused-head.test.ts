import { expect, test } from "vitest";
import { convertEdge } from "../../../host/config/convert/edge";
import { textFormat } from "../../../host/formatter/text-format";
import { bootstrap, listener, virtualHost } from "./support/bootstrap";
import { normalise, RawClient } from "./support/raw-client";
import { startProxy } from "./support/start-proxy";

test("a HEAD that is redirected for its path is answered without the body that local replies have", async () => {
  const localReply = {
    mappers: [],
    bodyFormat: { format: textFormat("refused"), contentType: "text/plain" },
  };
  const edge = convertEdge({ path_with_escaped_slashes_action: "UNESCAPE_AND_REDIRECT" }, {});
  const { proxy, port } = await startProxy(
    bootstrap([listener([virtualHost([])], { localReply, edge })], []),
  );
  const client = await RawClient.connect(port);
  client.write(
    "HEAD /a%2fb HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
  );
  const received = normalise(await client.untilClosed());
  expect(received).toMatch(
    /^HTTP\/1\.1 307 .*content-length: 7\r\n.*\r\n\r\nHTTP\/1\.1 404 .*\r\n\r\nrefused$/s,
  );
  expect(received.match(/refused/g)).toHaveLength(1);
  await proxy.kill();
});
