import { expect } from "vitest";
import { conformance } from "../../support/conformance";
import { FrameClient, FrameType } from "../../support/h2-frames";
import { ends, GET, HTTP2, MALFORMED, resetCode } from "./support";

const PROTOCOL_ERROR = 1;
const MANAGER = {
  ...HTTP2.manager,
  http2_protocol_options: { override_stream_error_on_invalid_http_message: true, hpack_table_size: 100 },
};

conformance("HTTP/2 with override_stream_error_on_invalid_http_message", ({ behaviour }) => {
  behaviour(
    "a message that is none ends its stream, and the connection goes on",
    { manager: MANAGER },
    async (b) => {
      const client = await FrameClient.connect(b.port);
      let stream = 1;
      for (const [what, headers] of Object.entries(MALFORMED)) {
        client.headers(stream, headers);
        expect(await client.until((f) => ends(f, stream)), what).toBeDefined();
        expect(resetCode(client.of(stream)), what).toBe(PROTOCOL_ERROR);
        stream += 2;
      }
      client.headers(stream, GET);
      await client.until((f) => ends(f, stream));
      expect(resetCode(client.of(stream))).toBeUndefined();
      expect(client.frames.some(({ type }) => type === FrameType.Goaway)).toBe(false);
      client.close();
    },
  );
});
