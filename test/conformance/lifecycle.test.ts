import { expect } from "vitest";
import { conformance } from "../support/conformance";
import { REQUEST_WITH_TRAILERS, TRAILERS_SETUP } from "./trailers-setup";

const TRACE = "trace";

conformance("Context lifecycle", ({ behaviour }) => {
  behaviour(
    "a root context is created before vm_start, then configured",
    { script: `${TRACE}\non vm_start\n return 1` },
    async (b) => {
      await b.exchange();
      expect((await b.callbacks()).slice(0, 3)).toEqual(["context_create", "vm_start", "configure"]);
    },
  );

  behaviour(
    "root context 1 has parent 0, the first stream is context 2 of root 1",
    { script: TRACE },
    async (b) => {
      await b.exchange();
      await b.message((m) => m === "> delete 2", "delete");
      expect(await b.messages()).toContain("> context_create 1 0");
      expect(await b.messages()).toContain("> context_create 2 1");
    },
  );

  behaviour("every stream gets a new context id", { script: `${TRACE}` }, async (b) => {
    await b.exchange();
    await b.message((m) => m === "> delete 2", "delete");
    await b.exchange();
    await b.message((m) => m === "> delete 3", "the next context's delete");
    expect(await b.messages()).toContain("> context_create 3 1");
  });

  behaviour(
    "the order of a request without bodies: no body callbacks, end of stream in the headers",
    { script: TRACE, upstream: (_, reply) => reply.send({ status: 204 }) },
    async (b) => {
      await b.exchange();
      await b.message((m) => m.startsWith("> delete"), "delete");
      expect(streamTrace(await b.messages())).toEqual([
        "context_create",
        "request_headers eos=1",
        "response_headers eos=1",
        "log",
        "done",
        "delete",
      ]);
    },
  );

  behaviour("bodies end with an empty callback of their own", { script: TRACE }, async (b) => {
    await b.exchange({ method: "POST", body: "12345" });
    await b.message((m) => m.startsWith("> delete"), "delete");
    expect(streamTrace(await b.messages())).toEqual([
      "context_create",
      "request_headers eos=0",
      "request_body 5 eos=0",
      "request_body 0 eos=1",
      "response_headers eos=0",
      "response_body 2 eos=0",
      "response_body 0 eos=1",
      "log",
      "done",
      "delete",
    ]);
  });

  behaviour(
    "with trailers no body callback has end of stream; the trailers callback is the end",
    { script: TRACE, ...TRAILERS_SETUP },
    async (b) => {
      await b.exchange(REQUEST_WITH_TRAILERS);
      await b.message((m) => m.startsWith("> delete"), "delete");
      expect(streamTrace(await b.messages())).toEqual([
        "context_create",
        "request_headers eos=0",
        "request_body 4 eos=0",
        "request_trailers",
        "response_headers eos=0",
        "response_body 5 eos=0",
        "response_trailers",
        "log",
        "done",
        "delete",
      ]);
    },
  );

  behaviour(
    "a client that goes away: log, done, delete and nothing between",
    { script: TRACE, upstream: () => {} },
    async (b) => {
      const client = await b.connect();
      client.send({});
      await b.upstream.request();
      client.reset();
      await b.message((m) => m.startsWith("> delete"), "delete");
      expect(streamTrace(await b.messages())).toEqual([
        "context_create",
        "request_headers eos=1",
        "log",
        "done",
        "delete",
      ]);
    },
  );

  behaviour(
    "the result of a stream's on_done is ignored, and proxy_done is NotFound there",
    { script: `${TRACE}\non done\n d = done\n return 0` },
    async (b) => {
      await b.exchange();
      await b.message((m) => m.startsWith("> delete"), "delete");
      expect(await b.logged("d")).toBe("1");
    },
  );

  behaviour(
    "in on_done and on_delete no header map can be read",
    { script: "on done\n a = get 0 :path\n b = pairs 2\non delete\n c = get 2 :status" },
    async (b) => {
      await b.exchange();
      expect(await b.logged("c")).toMatch(/^[12]$/);
      expect(await b.logged("a")).toMatch(/^[12]$/);
      expect(await b.logged("b")).toBe("0");
    },
  );

  behaviour(
    "log runs for all filters first, then done and delete filter by filter",
    { script: [TRACE, TRACE] },
    async (b) => {
      await b.exchange();
      const ends = (await b.messages()).filter((m) => /^> (log|done|delete) /.test(m));
      const [first, second] = ends.map((m) => m.split(" ")[2]);
      expect(first).not.toBe(second);
      expect(ends.map((m) => m.split(" ")[1])).toEqual(["log", "log", "done", "delete", "done", "delete"]);
    },
  );

  behaviour(
    "filters with equal configuration in one VM share a root context, each stream its own",
    { script: [TRACE, TRACE], plugin: { name: "shared" } },
    async (b) => {
      await b.exchange();
      const created = (await b.messages()).filter((m) => m.startsWith("> context_create"));
      expect(new Set(created)).toEqual(
        new Set(["> context_create 1 0", "> context_create 2 1", "> context_create 3 1"]),
      );
    },
  );

  behaviour(
    "two plugins in one VM: context_create, vm_start and configure for each root",
    { script: ["trace", "trace\non tick"] },
    async (b) => {
      await b.exchange();
      const starts = (await b.messages()).filter((m) => /^> (vm_start|configure)/.test(m));
      const of = (start: string) => starts.filter((m) => m.startsWith(start)).length;
      expect(of("> vm_start 2 ")).toBeGreaterThan(0);
      expect(of("> configure 2 ")).toBe(of("> vm_start 2 "));
      expect(of("> vm_start 1 ")).toBeGreaterThan(0);
    },
  );

  behaviour(
    "with one worker a plugin starts three times: canary, main thread, worker; the canary gets no done or delete",
    { script: "trace" },
    async (b) => {
      await b.exchange();
      await b.message((m) => m === "> delete 2", "delete");
      const names = await b.callbacks();
      expect(names.filter((name) => name === "vm_start")).toHaveLength(3);
      expect(names.filter((name) => name === "configure")).toHaveLength(3);
      const roots = (await b.messages()).filter((m) => /^> (done|log|delete) 1$/.test(m));
      expect(roots).toEqual([]);
    },
  );

  behaviour(
    "1xx responses are not shown to filters",
    {
      script: TRACE,
      upstream: (_, reply) => {
        reply.raw("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n");
        reply.send({ body: "x" });
      },
    },
    async (b) => {
      await b.exchange();
      await b.message((m) => m.startsWith("> delete"), "delete");
      expect((await b.callbacks()).filter((name) => name === "response_headers")).toHaveLength(1);
    },
  );

  behaviour(
    "a request without a route is still shown: request and response headers of the 404",
    { script: `${TRACE}\non response_headers\n s = get 2 :status`, routes: () => [] },
    async (b) => {
      expect((await b.exchange()).status).toBe(404);
      expect(await b.logged("s")).toBe("0 404");
    },
  );

  behaviour("a request that cannot be parsed is seen by on_log only", { script: TRACE }, async (b) => {
    const client = await b.connect();
    client.write("GET / HTTP/1.1\r\nhost: a\r\nbad header\r\n\r\n");
    expect((await client.response()).status).toBe(400);
    await b.message((m) => m.startsWith("> delete"), "delete");
    expect(streamTrace(await b.messages())).toEqual(["context_create", "log", "done", "delete"]);
    client.close();
  });
});

/** The callbacks of the only stream in the order they ran, with sizes and end of stream. */
function streamTrace(messages: string[]): string[] {
  const stream = messages.find((m) => /^> context_create \d+ [1-9]/.test(m))?.split(" ")[2];
  return messages
    .filter((m) => m.startsWith("> ") && m.split(" ")[2] === stream)
    .map((m) => {
      const [, name, , first, eos] = m.split(" ");
      if (name!.endsWith("_headers")) return `${name} eos=${eos}`;
      if (name!.endsWith("_body")) return `${name} ${first} eos=${eos}`;
      return name!;
    });
}
