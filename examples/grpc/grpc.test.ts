import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeEngines, type ProxyUnderTest } from "../../test/support/describe-engines";
import { exampleYaml } from "../../test/support/example";
import { GrpcServer } from "../../test/support/grpc-server";

const asIs = (bytes: Buffer): Buffer => bytes;

describeEngines("examples/grpc", (engine) => {
  let server: GrpcServer;
  let proxy: ProxyUnderTest;
  let client: Client;
  let calls = 0;
  let failures = 0;

  beforeAll(async () => {
    server = await GrpcServer.start("example.Chat", {
      unary: {
        Say: ({ request, metadata }, done) => {
          calls++;
          if (failures-- > 0) return done({ code: status.UNAVAILABLE, details: "not now" });
          if (String(request) === "no") return done({ code: status.NOT_FOUND, details: "no such word" });
          if (String(request) === "never") return;
          done(null, Buffer.concat([request, Buffer.from(String(metadata.get("x-who")))]));
        },
      },
      talks: {
        Talk: (call) => {
          call.on("data", (line: Buffer) => call.write(Buffer.from(String(line).toUpperCase())));
          call.on("end", () => call.end());
        },
      },
    });
    proxy = await engine.start(exampleYaml("grpc", { 9090: server.port }));
    client = new Client(`127.0.0.1:${proxy.port()}`, credentials.createInsecure());
  });
  afterAll(() => {
    client?.close();
    server?.close();
  });

  const say = (word: string) =>
    new Promise<string>((resolve) => {
      const done = (error: ServiceError | null, answer?: Buffer) =>
        resolve(error ? `${error.code} ${error.details}` : String(answer));
      client.makeUnaryRequest("/example.Chat/Say", asIs, asIs, Buffer.from(word), done);
    });

  test("a call and its status", async () => {
    expect(await say("hello")).toBe("hello");
    expect(await say("no")).toBe("5 no such word");
  });

  test("what the server could not do is tried again", async () => {
    calls = 0;
    failures = 2;
    expect(await say("hello")).toBe("hello");
    expect(calls).toBe(3);
    failures = 3;
    expect(await say("hello")).toBe("14 not now");
  });

  test("a stream, message by message, while it goes on", async () => {
    const call = client.makeBidiStreamRequest<Buffer, Buffer>("/example.Chat/Talk", asIs, asIs);
    for (const line of ["one", "two", "x".repeat(100_000)]) {
      call.write(Buffer.from(line));
      const [answer] = await once(call, "data");
      expect(String(answer)).toBe(line.toUpperCase());
    }
    call.end();
    const [end] = await once(call.resume(), "status");
    expect(end.code).toBe(status.OK);
  });

  test("an answer that does not come, a service that is not there", async () => {
    expect(await say("never")).toBe("14 upstream request timeout");
    const nobody = await new Promise<ServiceError | null>((resolve) =>
      client.makeUnaryRequest("/example.Other/Say", asIs, asIs, Buffer.alloc(0), resolve),
    );
    expect(nobody?.code).toBe(status.UNIMPLEMENTED);
  });

  test("the program of the README", async () => {
    const chat = fileURLToPath(new URL("chat.mjs", import.meta.url));
    const child = spawn(process.execPath, [chat, "say", "hello", String(proxy.port())]);
    const [out] = await once(child.stdout, "data");
    expect(String(out)).toBe("hello\n");
    await once(child, "exit");
  });
});
