import { expect } from "vitest";
import type { Json } from "../support/bootstrap";
import { type Behaviour, conformance, type Setup } from "../support/conformance";
import { REQUEST_WITH_TRAILERS, TRAILERS_SETUP } from "./trailers-setup";

const CALLBACKS = [
  "request_headers",
  "request_body",
  "request_trailers",
  "response_headers",
  "response_body",
  "response_trailers",
] as const;

/** Only a request that asks for it traps; what follows shows the state of the VM. */
function trapIn(callback: (typeof CALLBACKS)[number], plugin: Json): Setup {
  return {
    ...TRAILERS_SETUP,
    script: `
      on request_headers
        asked = get 0 x-trap
        add 0 x-filtered 1
      on ${callback}
        when $asked yes : trap`,
    plugin,
  };
}

/** The status of an ordinary exchange, or `cut` when the connection ended before or inside the response. */
async function outcome(b: Behaviour, trap: boolean): Promise<number | "cut"> {
  const headers: [string, string][] = trap ? [["x-trap", "yes"]] : [];
  const response = await b.exchange({ ...REQUEST_WITH_TRAILERS, headers }).catch(() => undefined);
  return response?.complete ? response.status : "cut";
}

/** Response headers have already left when these run: the client can only be cut off. */
const AFTER_HEADERS = new Set<string>(["response_body", "response_trailers"]);

conformance("Traps and failure policies", ({ behaviour }) => {
  for (const callback of CALLBACKS) {
    const hit = AFTER_HEADERS.has(callback) ? "cut" : 503;

    behaviour(
      `trap in ${callback}, FAIL_CLOSED: the stream fails, and so does every later one`,
      trapIn(callback, { failure_policy: "FAIL_CLOSED" }),
      async (b) => {
        expect(await outcome(b, false)).toBe(200);
        expect(await outcome(b, true)).toBe(hit);
        expect(await outcome(b, false)).toBe(503);
      },
    );

    behaviour(
      `trap in ${callback}, FAIL_OPEN: the stream fails, later ones go without the filter`,
      trapIn(callback, { failure_policy: "FAIL_OPEN" }),
      async (b) => {
        expect(await outcome(b, true)).toBe(hit);
        expect(await outcome(b, false)).toBe(200);
        expect(
          (await b.upstream.request(b.upstream.requests.length - 1)).header("x-filtered"),
        ).toBeUndefined();
      },
    );

    behaviour(
      `trap in ${callback}, FAIL_RELOAD: the stream fails, later ones get a new VM after the back-off`,
      trapIn(callback, {
        failure_policy: "FAIL_RELOAD",
        reload_config: { backoff: { base_interval: "0.01s" } },
      }),
      async (b) => {
        expect(await outcome(b, true)).toBe(hit);
        // The back-off is some milliseconds; the first exchange after it is served by the new VM.
        let status = await outcome(b, false);
        for (let tries = 0; status === 503 && tries < 1000; tries++) status = await outcome(b, false);
        expect(status).toBe(200);
        expect((await b.upstream.request(b.upstream.requests.length - 1)).header("x-filtered")).toBe("1");
      },
    );
  }

  behaviour(
    "legacy fail_open: even the stream that trapped passes",
    trapIn("request_headers", { fail_open: true }),
    async (b) => {
      expect(await outcome(b, true)).toBe(200);
      expect(await outcome(b, false)).toBe(200);
    },
  );

  behaviour("the 503 of a trap has no body", { script: "on request_headers\n trap" }, async (b) => {
    const response = await b.exchange();
    expect(response.status).toBe(503);
    expect(response.text).toBe("");
    expect(response.header("content-type")).toBeUndefined();
  });

  behaviour("endless recursion is a trap", { script: "on request_headers\n overflow" }, async (b) => {
    expect((await b.exchange()).status).toBe(503);
    expect((await b.exchange()).status).toBe(503);
  });

  behaviour(
    "a trap in on_log leaves this response alone and fails the next request",
    { script: "on log\n trap" },
    async (b) => {
      expect((await b.exchange()).status).toBe(200);
      expect((await b.exchange()).status).toBe(503);
    },
  );

  behaviour(
    "a trap in on_tick fails the next request",
    { script: "on log\n tick 5\non tick\n about = set 1\n trap" },
    async (b) => {
      expect((await b.exchange()).status).toBe(200);
      await b.logged("about");
      expect((await b.exchange()).status).toBe(503);
    },
  );

  behaviour(
    "after a trap no callback reaches the VM: not even log, done and delete",
    { script: "trace\non request_headers\n trap" },
    async (b) => {
      await b.exchange();
      await b.exchange();
      const names = await b.callbacks();
      expect(names.slice(names.indexOf("request_headers"))).toEqual(["request_headers"]);
    },
  );

  behaviour(
    "a trap hits the other streams of the VM at their next event",
    {
      script: "on request_headers\n asked = get 0 x-trap\n when $asked yes : trap",
      upstream: async (request, reply) => {
        const { body } = await request.message;
        reply.send({ body });
      },
    },
    async (b) => {
      const client = await b.connect();
      client.write("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
      await b.upstream.request();
      expect((await b.exchange({ headers: [["x-trap", "yes"]] })).status).toBe(503);
      client.write("0\r\n\r\n");
      expect((await client.response()).status).toBe(503);
      client.close();
    },
  );

  behaviour(
    "two plugins with one vm_id share a VM: the trap of one fails both",
    {
      script: [
        "on request_headers\n other = set 1",
        "on request_headers\n asked = get 0 x-trap\n when $asked yes : trap",
      ],
    },
    async (b) => {
      expect((await b.exchange()).status).toBe(200);
      expect((await b.exchange({ headers: [["x-trap", "yes"]] })).status).toBe(503);
      expect(await b.allLogged("other")).toHaveLength(2);
      expect((await b.exchange()).status).toBe(503);
      expect(await b.allLogged("other")).toHaveLength(2);
    },
  );

  behaviour(
    "a failed VM answers gRPC requests with UNAVAILABLE",
    { script: "on request_headers\n trap" },
    async (b) => {
      const response = await b.exchange({ method: "POST", headers: [["content-type", "application/grpc"]] });
      expect(response.status).toBe(200);
      expect(response.header("grpc-status")).toBe("14");
    },
  );

  behaviour(
    "FAIL_RELOAD within the back-off answers 503",
    {
      script: "on request_headers\n asked = get 0 x-trap\n when $asked yes : trap",
      plugin: { failure_policy: "FAIL_RELOAD", reload_config: { backoff: { base_interval: "60s" } } },
    },
    async (b) => {
      expect((await b.exchange({ headers: [["x-trap", "yes"]] })).status).toBe(503);
      expect((await b.exchange()).status).toBe(503);
    },
  );
});
