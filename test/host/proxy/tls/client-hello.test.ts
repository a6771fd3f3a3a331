import { once } from "node:events";
import { connect, createServer } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readClientHello } from "../../../../host/proxy/tls/client-hello";

/** The first bytes of node:tls as a client. */
async function firstBytes(options: ConnectionOptions): Promise<Buffer> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const raw = connect((server.address() as { port: number }).port, "127.0.0.1");
  const tls = connectTls({ socket: raw, ...options });
  tls.on("error", () => {});
  const [socket] = await once(server, "connection");
  const [bytes] = await once(socket, "data");
  tls.destroy();
  raw.destroy();
  socket.destroy();
  server.close();
  return bytes;
}

/** The same message in records of so many bytes. */
function inRecords(bytes: Buffer, size: number): Buffer {
  const message = bytes.subarray(5);
  const parts: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    const header = Buffer.from([22, 3, 1, 0, 0]);
    header.writeUInt16BE(part.length, 3);
    parts.push(header, part);
  }
  return Buffer.concat(parts);
}

const hello = await firstBytes({ servername: "Www.Example", ALPNProtocols: ["h2", "http/1.1", "é"] });
const READ = { serverName: "www.example", protocols: ["h2", "http/1.1", "Ã©"] };

test("name and protocols of a client, whatever its version", async () => {
  expect(readClientHello(hello)).toEqual(READ);
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    const bytes = await firstBytes({ minVersion: version, maxVersion: version, servername: "a.b" });
    expect(readClientHello(bytes)).toEqual({ serverName: "a.b", protocols: [] });
  }
  expect(readClientHello(await firstBytes({}))).toEqual({ serverName: "", protocols: [] });
});

test("what comes behind it does not matter", () => {
  expect(readClientHello(Buffer.concat([hello, Buffer.from("GET / HTTP/1.1")]))).toEqual(READ);
});

test("every beginning asks for more", () => {
  for (let i = 0; i < hello.length; i++) expect(readClientHello(hello.subarray(0, i)), `${i}`).toBe("more");
});

test.each([1, 3, 4, 5, 50])("a message in records of %i bytes", (size) => {
  const bytes = inRecords(hello, size);
  expect(readClientHello(bytes)).toEqual(READ);
  for (let i = 0; i < bytes.length; i += 7) expect(readClientHello(bytes.subarray(0, i))).toBe("more");
});

test.each<[string, string | Buffer]>([
  ["HTTP/1", "GET / HTTP/1.1\r\n"],
  ["HTTP/2", "PRI * HTTP/2.0"],
  ["SSH", "SSH-2.0-x"],
  ["one wrong byte", "\x00"],
  ["another kind of record", Buffer.from([23, 3, 3, 0, 1, 1])],
  ["another message", Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])],
  ["an empty record", Buffer.from([22, 3, 1, 0, 0])],
  ["SSLv2", Buffer.from([0x80, 0x2e, 1, 3, 1])],
  ["a message that is too long", Buffer.from([22, 3, 1, 0, 4, 1, 1, 0, 0])],
])("%s is none", (_, bytes) => {
  expect(readClientHello(Buffer.from(bytes as string, "latin1"))).toBe("other");
});

test("lengths that reach beyond their end are none, and nothing throws", () => {
  fc.assert(
    fc.property(
      fc.nat(hello.length - 1),
      fc.integer({ min: 0, max: 255 }),
      fc.nat(hello.length),
      (at, byte, cut) => {
        const bytes = Buffer.from(hello);
        bytes[at] = byte;
        const seen = readClientHello(bytes.subarray(0, cut));
        expect(["string", "object"]).toContain(typeof seen);
      },
    ),
    { numRuns: 20_000, ...(process.env.FUZZ_SEED && { seed: Number(process.env.FUZZ_SEED) }) },
  );
});

test("any bytes behind a good beginning", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (rest) => {
      const message = Buffer.from([1, 0, 0, rest.length >> 8 ? 0 : rest.length, ...rest]);
      const record = Buffer.from([22, 3, 1, message.length >> 8, message.length & 255]);
      const seen = readClientHello(Buffer.concat([record, message]));
      if (typeof seen === "object") expect(seen.serverName).toBe(seen.serverName.toLowerCase());
    }),
    { numRuns: 20_000 },
  );
});
