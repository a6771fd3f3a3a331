import { expect } from "vitest";
import { conformance } from "../support/conformance";

/** Continues the newest stream from a timer, 10 ms after a callback asked for it with `tick 10`. */
const CONTINUE_LATER = (type: number) => `
  on tick
    tick 0
    effective $stream
    c = continue ${type}`;

conformance("Pause and continue", ({ behaviour }) => {
  behaviour(
    "headers 1 stops the request until continue; then the body follows",
    { script: `trace\non request_headers\n tick 10\n return 1\n${CONTINUE_LATER(0)}` },
    async (b) => {
      await b.exchange({ method: "POST", body: "hello" });
      expect(await b.logged("c")).toBe("0");
      expect(await (await b.upstream.request()).body()).toBe("hello");
      const names = await b.callbacks();
      expect(names.indexOf("request_body")).toBeGreaterThan(names.indexOf("tick"));
    },
  );

  behaviour(
    "paused at headers, the body gathered meanwhile arrives as one callback",
    { script: `trace\non request_headers\n tick 20\n return 1\n${CONTINUE_LATER(0)}` },
    async (b) => {
      await b.exchange({ method: "POST", chunked: ["abc", "def"] });
      const bodies = (await b.messages()).filter((m) => m.startsWith("> request_body"));
      expect(bodies.map((m) => m.split(" ").slice(3).join(" "))).toEqual(["6 1"]);
    },
  );

  for (const result of [3, 4, 9])
    behaviour(
      `headers ${result} stops everything too`,
      { script: `trace\non request_headers\n tick 10\n return ${result}\n${CONTINUE_LATER(0)}` },
      async (b) => {
        await b.exchange({ method: "POST", body: "hello" });
        const names = await b.callbacks();
        expect(names.indexOf("request_body")).toBeGreaterThan(names.indexOf("tick"));
      },
    );

  behaviour(
    "continue in the very callback that pauses a request with a body does not undo the pause",
    {
      script: `trace\non request_headers\n now = continue 0\n tick 20\n return 1\n${CONTINUE_LATER(0)}`,
    },
    async (b) => {
      expect((await b.exchange({ method: "POST", body: "hello" })).text).toBe("ok");
      expect(await b.logged("now")).toBe("0");
      const names = await b.callbacks();
      expect(names.indexOf("request_body")).toBeGreaterThan(names.indexOf("tick"));
    },
  );

  behaviour("headers 2 continues", { script: "on request_headers\n return 2" }, async (b) => {
    expect((await b.exchange({ method: "POST", body: "x" })).text).toBe("ok");
  });

  behaviour(
    "with allow_on_headers_stop_iteration headers 1 holds the headers, body callbacks run",
    {
      script: `
        trace
        on request_headers
          return 1
        on request_body
          when $eos 0 : return 1
          a = get 0 x-a
          add 0 x-late yes`,
      plugin: { allow_on_headers_stop_iteration: true },
    },
    async (b) => {
      await b.exchange({ method: "POST", body: "hello", headers: [["x-a", "1"]] });
      expect(await b.logged("a")).toBe("0 1");
      expect((await b.upstream.request()).header("x-late")).toBe("yes");
    },
  );

  behaviour(
    "request headers can be changed while paused at them",
    {
      script: `
        on request_headers
          tick 10
          return 1
        on tick
          tick 0
          effective $stream
          a = get 0 :path
          add 0 x-late 1
          continue 0
          gone = get 0 :path`,
    },
    async (b) => {
      await b.exchange({ path: "/paused" });
      expect(await b.logged("a")).toBe("0 /paused");
      expect(await b.logged("gone")).toBe("2");
      expect((await b.upstream.request()).header("x-late")).toBe("1");
    },
  );

  behaviour(
    "response headers 1 stops the response until continue",
    { script: `trace\non response_headers\n tick 10\n return 1\n${CONTINUE_LATER(1)}` },
    async (b) => {
      const response = await b.exchange();
      expect(response.text).toBe("ok");
      const names = await b.callbacks();
      expect(names.indexOf("response_body")).toBeGreaterThan(names.indexOf("tick"));
    },
  );

  behaviour(
    "a body stopped without end is resumed by continue, all its bytes kept",
    {
      script: `
        on request_body
          when $eos 1 : tick 10
          return 1
        ${CONTINUE_LATER(0)}`,
    },
    async (b) => {
      await b.exchange({ method: "POST", body: "hello" });
      expect(await (await b.upstream.request()).body()).toBe("hello");
    },
  );

  behaviour(
    "body 2 keeps the data but shows each chunk alone",
    {
      script: `
        trace
        on request_body
          when $eos 0 : x = buffer 0 0 100
          when $eos 0 : return 2
          return 0`,
    },
    async (b) => {
      const client = await b.connect();
      client.write("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
      await b.message((m) => m.startsWith("> request_body"), "the first chunk");
      client.write("4\r\ndefg\r\n0\r\n\r\n");
      await client.response();
      expect(await b.allLogged("x")).toEqual(["0 abc", "0 defg"]);
      expect(await (await b.upstream.request()).body()).toBe("abcdefg");
      client.close();
    },
  );

  for (const result of [3, 7])
    behaviour(
      `body ${result} stops and throws the chunk away`,
      {
        script: `
          on request_headers
            remove 0 content-length
          on request_body
            when $eos 0 : return ${result}
            return 0`,
      },
      async (b) => {
        await b.exchange({ method: "POST", body: "lost" });
        expect(await (await b.upstream.request()).body()).toBe("");
      },
    );

  behaviour(
    "close_stream of TCP streams is Ok and does nothing to an HTTP stream; others are BadArgument",
    { script: "on request_headers\n d = close 2\n u = close 3\n x = close 4" },
    async (b) => {
      expect((await b.exchange()).status).toBe(200);
      expect(await b.logged("d")).toBe("0");
      expect(await b.logged("u")).toBe("0");
      expect(await b.logged("x")).toBe("2");
    },
  );

  behaviour("continue while nothing is paused is Ok", { script: "on log\n c = continue 0" }, async (b) => {
    expect((await b.exchange()).status).toBe(200);
    expect(await b.logged("c")).toBe("0");
  });

  behaviour(
    "continue_stream: request and response Ok, downstream Ok, upstream Unimplemented, others BadArgument",
    { script: "on response_body\n d = continue 2\n u = continue 3\n x = continue 4" },
    async (b) => {
      await b.exchange();
      expect(await b.logged("d")).toBe("0");
      expect(await b.logged("u")).toBe("12");
      expect(await b.logged("x")).toBe("2");
    },
  );

  behaviour(
    "close_stream cuts the connection of an HTTP/1.1 client",
    { script: "on request_headers\n s = close 0" },
    async (b) => {
      const client = await b.connect();
      client.send({});
      await expect(client.response()).rejects.toThrow(/closed/);
      expect(await b.logged("s")).toBe("0");
      expect(b.upstream.requests).toHaveLength(0);
    },
  );

  behaviour(
    "set_effective_context: an unknown id is BadArgument, 0 is the own context again",
    {
      script:
        "on request_headers\n a = effective 99999\n b = effective $root\n c = effective 0\n d = get 0 :path",
    },
    async (b) => {
      await b.exchange({ path: "/own" });
      expect(await b.logged("a")).toBe("2");
      expect(await b.logged("b")).toBe("0");
      expect(await b.logged("c")).toBe("0");
      expect(await b.logged("d")).toBe("0 /own");
    },
  );

  behaviour(
    "the effective context lasts for the running callback only",
    {
      script:
        "on request_headers\n effective $root\n a = get 0 :path\non response_headers\n b = get 2 :status",
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("a")).toBe("2");
      expect(await b.logged("b")).toBe("0 200");
    },
  );

  behaviour(
    "without an effective context a timer has no stream: continue is Ok and does nothing, headers BadArgument",
    {
      script: `
        on request_headers
          tick 10
          return 1
        on tick
          when $n 1 : a = continue 0
          when $n 1 : b = get 0 :path
          when $n 1 : return 0
          tick 0
          effective $stream
          continue 0`,
    },
    async (b) => {
      expect((await b.exchange()).status).toBe(200);
      expect(await b.logged("a")).toBe("0");
      expect(await b.logged("b")).toBe("2");
    },
  );

  behaviour(
    "a stream that has gone is an unknown context",
    {
      script: `
        on request_headers
          tick 10
          return 1
        on tick
          gone = effective $stream
        on delete
          tick 10`,
      upstream: () => {},
    },
    async (b) => {
      const client = await b.connect();
      client.send({});
      await b.logged("gone");
      client.reset();
      await b.message((m) => m === "gone=2", "the context's end");
    },
  );

  behaviour(
    "two pausing filters: the second sees the request when the first lets go",
    {
      script: [
        `trace\non request_headers\n tick 10\n add 0 x-first 1\n return 1\n${CONTINUE_LATER(0)}`,
        "on request_headers\n a = get 0 x-first",
      ],
      vmId: "chain",
    },
    async (b) => {
      expect((await b.exchange()).status).toBe(200);
      expect(await b.logged("a")).toBe("0 1");
    },
  );
});
