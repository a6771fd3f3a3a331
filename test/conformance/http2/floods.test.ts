import { expect, vi } from "vitest";
import { type Behaviour, conformance } from "../../support/conformance";
import { Flag, FrameClient, FrameType, frame, headerBlock } from "../../support/h2-frames";
import { GET, HTTP2, POST } from "./support";

/** (`expect.poll` knows no tests that run beside others.) */
const WAIT = { timeout: 10_000, interval: 20 };

/** Frames that cost the sender nothing, over and over: the connection ends, and others are served. */

const PRIORITY = 2;
const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

interface Flood {
  /** Sent first. */
  begin?: (client: FrameClient) => void;
  /** The frame with this number. */
  frames: (i: number) => Buffer;
  count: number;
  /** Reads nothing meanwhile, so that answers pile up. */
  deaf?: boolean;
  /** Counts it, of `http2.`. */
  stat?: string;
  /** node:http2 has no limit for it, see docs/envoy-differences.md. */
  unnoticed?: true;
}

const open = (client: FrameClient) => client.headers(1, POST, false);

const FLOODS: Readonly<Record<string, Flood>> = {
  "empty DATA": {
    begin: open,
    frames: () => frame(FrameType.Data, 0, 1),
    count: 20_000,
    stat: "inbound_empty_frames_flood",
  },
  "PING, answers unread": {
    frames: () => frame(FrameType.Ping, 0, 0, Buffer.alloc(8)),
    count: 100_000,
    deaf: true,
  },
  "SETTINGS, answers unread": {
    frames: () => frame(FrameType.Settings, 0, 0),
    // Their answers are nine bytes each: fewer fit into the system's buffers, and nobody notices.
    count: 1_000_000,
    deaf: true,
  },
  PRIORITY: {
    frames: (i) => frame(PRIORITY, 0, 2 * i + 1, Buffer.concat([u32(0), Buffer.from([1])])),
    count: 100_000,
  },
  WINDOW_UPDATE: {
    begin: open,
    frames: () => frame(FrameType.WindowUpdate, 0, 0, u32(1)),
    count: 50_000,
    unnoticed: true,
  },
  "streams that are reset at once": {
    frames: (i) =>
      Buffer.concat([
        frame(FrameType.Headers, Flag.EndHeaders | Flag.EndStream, 2 * i + 1, headerBlock(GET)),
        frame(FrameType.RstStream, 0, 2 * i + 1, u32(8)),
      ]),
    count: 20_000,
  },
  "empty CONTINUATION": {
    begin: (client) => client.send(frame(FrameType.Headers, Flag.EndStream, 1, headerBlock(GET))),
    frames: () => frame(FrameType.Continuation, 0, 1),
    count: 20_000,
  },
  "streams whose answers are not taken": {
    begin: (client) => client.send(frame(FrameType.Settings, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]))),
    frames: (i) => frame(FrameType.Headers, Flag.EndHeaders | Flag.EndStream, 2 * i + 1, headerBlock(GET)),
    count: 3000,
  },
};

async function survives(b: Behaviour, { begin, frames, count, deaf }: Flood): Promise<boolean> {
  const client = await FrameClient.connect(b.port);
  client.socket.on("error", () => {});
  begin?.(client);
  if (deaf) client.socket.pause();
  for (let i = 0; i < count && !client.socket.destroyed; i += 1000)
    client.send(...Array.from({ length: Math.min(1000, count - i) }, (_, k) => frames(i + k)));
  client.send(frame(FrameType.Ping, 0, 0, Buffer.from("the end.")));
  // Long enough that all of it has come while nobody read: nothing tells when it has.
  if (deaf) setTimeout(() => client.socket.resume(), 3000);
  const alive = await client
    .until((f) => f.type === FrameType.Ping && f.payload.toString() === "the end.")
    .catch(() => undefined);
  client.close();
  return alive !== undefined;
}

conformance("HTTP/2 floods", ({ engine, behaviour }) => {
  for (const [name, flood] of Object.entries(FLOODS))
    behaviour(name, HTTP2, async (b) => {
      const stat = flood.stat === undefined ? undefined : `http2.${flood.stat}`;
      const before = stat === undefined ? 0 : await b.proxy.stat(stat);
      expect(await survives(b, flood)).toBe(engine.name === "node" && flood.unnoticed === true);
      if (stat !== undefined)
        await vi.waitFor(async () => expect(await b.proxy.stat(stat)).toBeGreaterThan(before), WAIT);
      const other = await FrameClient.connect(b.port);
      other.headers(1, GET);
      expect(await other.until((f) => f.stream === 1 && (f.flags & Flag.EndStream) !== 0)).toBeDefined();
      other.close();
    });
});
