import { expect } from "vitest";
import { conformance } from "../../support/conformance";
import { Flag, FrameClient, FrameType, frame } from "../../support/h2-frames";
import { ends, GET, HTTP2, POST } from "./support";

const ping = (flags: number, text: string) => frame(FrameType.Ping, flags, 0, Buffer.from(text.padEnd(8)));

conformance("HTTP/2 control frames", ({ behaviour }) => {
  behaviour("a PING ACK that nobody asked for changes nothing", HTTP2, async (b) => {
    const client = await FrameClient.connect(b.port);
    client.headers(1, POST, false);
    await b.upstream.request();
    // More than node:http2 itself has pings on their way, in one read and in several.
    client.send(...Array.from({ length: 30 }, () => ping(Flag.Ack, "unasked")));
    for (let i = 0; i < 3; i++) {
      client.send(ping(Flag.Ack, "unasked"), ping(0, `real ${i}`));
      const pong = await client.until(
        (f) =>
          f.type === FrameType.Ping && f.flags === Flag.Ack && f.payload.toString().trim() === `real ${i}`,
      );
      expect(pong).toBeDefined();
    }
    client.send(frame(FrameType.Data, Flag.EndStream, 1, Buffer.from("x")));
    client.headers(3, GET);
    for (const stream of [1, 3]) expect(await client.until((f) => ends(f, stream))).toBeDefined();
    expect(client.frames.filter(({ type }) => type === FrameType.Goaway)).toEqual([]);
    client.close();
  });

  behaviour("a PING ACK beside a frame that breaks the rules: the connection ends", HTTP2, async (b) => {
    const client = await FrameClient.connect(b.port);
    client.send(ping(Flag.Ack, "unasked"), frame(FrameType.Ping, 0, 1, Buffer.alloc(8)));
    expect(await client.until(() => false)).toBeUndefined();
    client.close();
  });
});
