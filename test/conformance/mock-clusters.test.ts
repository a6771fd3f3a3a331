import { expect } from "vitest";
import { type MockAnswer, TestHost } from "../../host/testing/index";
import { conformance, type Setup } from "../support/conformance";
import { guest } from "../support/guests";

const LOG = "p = pairs 6\n n = set $headers $size $trailers\n b = buffer 4 0 1000\n st = status";
const script = (cluster: string, timeoutMs = 5000) => `
  on request_headers
    id = call ${cluster} ${timeoutMs} '' :method GET :path /auth :authority a
    return 1
  on http_call_response
    ${LOG}
    effective $stream
    continue 0`;

/** What the same guest logs of a mock cluster's answer. */
async function mocked(text: string, answer: MockAnswer | "no host"): Promise<string[]> {
  const host = await TestHost.start({
    plugins: { module: await guest("puppet"), configuration: text },
    clusters: { auth: answer },
  });
  host.request();
  host.advance(10_000);
  host.abandon();
  return host.logs(/^(id|p|n|b|st)=/).map(({ message }) => message);
}

conformance("Mock clusters of the test kit give a guest what a proxy gives it", ({ behaviour }) => {
  function same(what: string, answer: MockAnswer | "no host", setup: (id: string) => Setup, calls = 5): void {
    behaviour(what, { ...setup("{id}") }, async (b) => {
      await b.exchange();
      const wanted = await mocked(String(setup("auth").script), answer);
      expect(wanted).toHaveLength(calls);
      await b.logged(calls === 1 ? "id" : "st");
      const logged = (await b.messages()).filter((message) => /^(id|p|n|b|st)=/.test(message));
      // The time a real service took.
      expect(logged.map((line) => line.replace(/\|?x-envoy-upstream-service-time: \d+/, ""))).toEqual(wanted);
    });
  }

  same("a refused connection", { failure: "refused" }, (id) => ({ script: script(id), dead: true }));

  same("a connection that ends before an answer", { failure: "reset" }, (id) => ({
    script: script(id),
    upstream: (request, reply) => {
      if (request.path === "/auth") reply.socket.destroy();
      else reply.send({});
    },
  }));

  same("a connection that ends inside an answer", { failure: "cut" }, (id) => ({
    script: script(id),
    upstream: (request, reply) => {
      if (request.path !== "/auth") return reply.send({});
      reply.head(200, [["content-length", "100"]]);
      reply.raw("part");
      reply.socket.end();
    },
  }));

  same("no answer in time", { failure: "timeout" }, (id) => ({
    script: script(id, 50),
    upstream: (request, reply) => (request.path === "/auth" ? undefined : reply.send({})),
  }));

  same(
    "a cluster without hosts",
    "no host",
    (id) => ({
      script: `on request_headers\n id = call ${id === "auth" ? id : "empty"} 50 '' :method GET :path / :authority a`,
    }),
    1,
  );
});
