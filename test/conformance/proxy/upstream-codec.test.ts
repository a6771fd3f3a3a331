import { expect, test } from "vitest";
import type { Json } from "../../support/bootstrap";
import { differential } from "../../support/differential";
import type { UpstreamHandler } from "../../support/raw-upstream";

/** Answers with so many bytes, and so many lines, of headers as the path says: `/bytes/lines`. */
const upstream: UpstreamHandler = async (request, reply) => {
  await request.message;
  const [, bytes, lines] = request.path.split("/").map(Number);
  const headers = Array.from({ length: lines! }, (_, i): [string, string] => [
    `x-${i}`,
    "a".repeat(bytes! / lines!),
  ]);
  reply.send({ headers, body: "ok" });
};

const options = (common: Json, http1: Json = {}): Json => ({
  typed_extension_protocol_options: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      common_http_protocol_options: common,
      explicit_http_config: { http_protocol_options: http1 },
    },
  },
});

differential("What a cluster takes of its hosts' responses", (pair) => {
  const cases: Readonly<Record<string, { cluster: Json; paths: readonly string[] }>> = {
    "no limits given": { cluster: {}, paths: ["/78000/1", "/83000/1", "/99/99", "/100/100"] },
    max_response_headers_kb: {
      cluster: options({ max_response_headers_kb: 2 }),
      paths: ["/1800/1", "/2100/1", "/1000/10"],
    },
    "max_response_headers_kb, more than by default": {
      cluster: options({ max_response_headers_kb: 200 }),
      paths: ["/100000/2", "/190000/2", "/210000/2"],
    },
    max_headers_count: {
      cluster: options({ max_headers_count: 10 }),
      paths: ["/9/9", "/10/10", "/50/50"],
    },
    "max_headers_count, more than by default": {
      cluster: options({ max_headers_count: 200 }),
      paths: ["/199/199", "/200/200"],
    },
  };
  for (const [name, { cluster, paths }] of Object.entries(cases)) {
    const both = pair({ upstream, cluster });
    test(name, async () => {
      const seen = await both.same(paths.map((path) => ({ path })));
      // It shows nothing unless one is taken.
      expect(seen[0]!.status).toBe(200);
    });
  }

  const proper = pair({ cluster: options({}, { header_key_format: { proper_case_words: {} } }) });
  test("header_key_format: proper_case_words", async () => {
    const [one] = await proper.same([
      { headers: [["x-1a-b_c", "1"]] },
      { method: "POST", body: "abc" },
      { method: "POST", chunked: ["abc"] },
    ]);
    expect(one!.upstream).toContain("X-1a-B_C: 1");
  });
});
