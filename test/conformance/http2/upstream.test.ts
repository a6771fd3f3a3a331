import { expect } from "vitest";
import type { Json } from "../../support/bootstrap";
import { type Behaviour, conformance, type Setup } from "../../support/conformance";
import { H2Client, h2Exchange } from "../../support/h2-client";
import type { Http2Handler, Http2Request } from "../../support/http2-upstream";
import { HTTP2 } from "./support";

/** Everything goes to the HTTP/2 upstream of the behaviour. */
function toHttp2(http2: Http2Handler, more: Setup = {}): Setup {
  return { http2, routes: (id) => [{ match: { prefix: "/" }, route: { cluster: `${id}-h2` } }], ...more };
}

/** Clients of both kinds, so that each behaviour is seen from HTTP/1.1 and from HTTP/2. */
const CLIENTS: Record<string, Json> = {
  "HTTP/1.1": { codec_type: "HTTP1" },
  "HTTP/2": { codec_type: "HTTP2" },
};

/** Answers once the whole request has come. */
function answer(reply: (stream: Http2Request["stream"]) => void): Http2Handler {
  return async (request) => {
    await request.ended();
    if (!request.stream.destroyed) reply(request.stream);
  };
}

const ok = answer((stream) => {
  stream.respond({ ":status": 200 });
  stream.end("ok");
});

const LOG = "on log\n d = prop response code_details\n f = prop-int response flags";

/** Names and values of a request, what is different every time left out. */
function seen(request: Http2Request): string[] {
  return request.headers
    .filter(([name]) => name !== "x-request-id")
    .map(([name, value]) => `${name}=${value}`);
}

async function bodies(b: Behaviour): Promise<string[]> {
  return (await b.messages())
    .filter((m) => m.startsWith("> response_body"))
    .map((m) => m.split(" ").slice(3).join(" "));
}

conformance("HTTP/2 upstream", ({ behaviour }) => {
  behaviour(
    "a request of HTTP/1.1: pseudo-headers for request line and host, hop headers gone",
    toHttp2(ok),
    async (b) => {
      await b.exchange({
        path: "/x?y",
        host: "h.example",
        headers: [
          ["Connection", "keep-alive, x-hop"],
          ["X-Hop", "1"],
          ["Te", "trailers, gzip"],
          ["X-B", "2"],
          ["Cookie", "a=1; b=2"],
          ["x-b", "3"],
        ],
      });
      expect(seen(await b.http2.request(0))).toEqual([
        ":authority=h.example",
        ":path=/x?y",
        ":method=GET",
        ":scheme=http",
        "te=trailers",
        "x-b=2",
        "cookie=a=1; b=2",
        "x-b=3",
        "x-forwarded-proto=http",
        "x-envoy-expected-rq-timeout-ms=15000",
      ]);
    },
  );

  behaviour("a request of HTTP/2 goes on in its order, with its scheme", toHttp2(ok, HTTP2), async (b) => {
    await h2Exchange(b.port, {
      pseudo: [
        [":path", "/"],
        [":scheme", "https"],
        [":method", "GET"],
        [":authority", "a"],
      ],
      headers: [
        ["cookie", "a=1"],
        ["x-b", "2"],
        ["cookie", "b=2"],
      ],
    });
    expect(seen(await b.http2.request(0))).toEqual([
      ":path=/",
      ":scheme=https",
      ":method=GET",
      ":authority=a",
      "x-b=2",
      "cookie=a=1; b=2",
      "x-forwarded-proto=http",
      "x-envoy-expected-rq-timeout-ms=15000",
    ]);
  });

  behaviour("bodies of HTTP/1.1, chunked and counted", toHttp2(ok), async (b) => {
    await b.exchange({ method: "POST", body: "hello" });
    await b.exchange({ method: "POST", chunked: ["hel", "lo"] });
    const [counted, chunked] = [await b.http2.request(0), await b.http2.request(1)];
    expect([counted.body.toString(), counted.header("content-length")]).toEqual(["hello", "5"]);
    expect([chunked.body.toString(), chunked.header("content-length")]).toEqual(["hello", undefined]);
    expect(chunked.header("transfer-encoding")).toBeUndefined();
  });

  for (const [version, manager] of Object.entries(CLIENTS)) {
    const send = (b: Behaviour, body?: string) =>
      version === "HTTP/2"
        ? h2Exchange(b.port, {
            method: body === undefined ? "GET" : "POST",
            ...(body !== undefined && { body }),
          })
        : b.exchange({ method: body === undefined ? "GET" : "POST", ...(body !== undefined && { body }) });

    behaviour(
      `to ${version}: the end of the stream comes with the last DATA frame`,
      toHttp2(ok, { manager, script: "trace" }),
      async (b) => {
        expect((await send(b)).text).toBe("ok");
        expect(await bodies(b)).toEqual(["2 1"]);
      },
    );

    behaviour(
      `to ${version}: headers in their order, lines of a known name joined`,
      toHttp2(
        answer((stream) => {
          stream.respond(
            [
              [":status", "201"],
              ["x-b", "1"],
              ["set-cookie", "a"],
              ["vary", "c"],
              ["set-cookie", "b"],
              ["vary", "d"],
              ["date", "Thu, 01 Jan 1970 00:00:00 GMT"],
            ].flat(),
          );
          stream.end();
        }),
        { manager, script: "on response_headers\n p = pairs 2" },
      ),
      async (b) => {
        const response = await send(b);
        expect(response.status).toBe(201);
        expect(response.all("set-cookie")).toEqual(["a", "b"]);
        expect(await b.logged("p")).toMatch(
          /^0 :status=201\|x-b=1\|set-cookie=a\|vary=c,d\|set-cookie=b\|date=.*\|x-envoy-upstream-service-time=\d+$/,
        );
      },
    );

    behaviour(
      `to ${version}: headers only, 204, 304, HEAD: no body callback`,
      toHttp2(
        answer((stream) => stream.respond({ ":status": 204 }, { endStream: true })),
        { manager, script: "trace" },
      ),
      async (b) => {
        expect((await send(b)).status).toBe(204);
        expect(await b.message((m) => m.startsWith("> response_headers"))).toMatch(/ 1$/);
        expect(await bodies(b)).toEqual([]);
      },
    );

    behaviour(
      `to ${version}: 1xx of the upstream is not shown`,
      toHttp2(
        answer((stream) => {
          stream.additionalHeaders({ ":status": 103, link: "</a>" });
          stream.respond({ ":status": 200 });
          stream.end("ok");
        }),
        { manager },
      ),
      async (b) => {
        const response = await send(b);
        expect([response.status, response.informational]).toEqual([200, []]);
      },
    );

    behaviour(
      `to ${version}: an upstream that resets before its headers`,
      toHttp2(({ stream }) => stream.close(2), { manager, script: LOG }),
      async (b) => {
        const response = await send(b);
        expect(response.status).toBe(503);
        expect(response.text).toMatch(/reset reason: remote reset$/);
        expect(await b.logged("d")).toBe("0 upstream_reset_before_response_started{remote_reset}");
        expect(await b.logged("f")).toBe("0 16");
      },
    );

    behaviour(
      `to ${version}: an upstream that resets behind its headers`,
      toHttp2(
        ({ stream }) => {
          stream.respond({ ":status": 200 });
          // The part has to pass the proxy first, and nothing here tells when it has.
          stream.write("abc", () => setTimeout(() => stream.destroy(new Error("cut")), 20));
        },
        { manager, script: LOG },
      ),
      async (b) => {
        const response = await send(b);
        expect([response.status, response.text]).toEqual([200, "abc"]);
        expect("reset" in response ? response.reset === 2 : !response.complete).toBe(true);
        expect(await b.logged("d")).toBe("0 upstream_reset_after_response_started{remote_reset}");
      },
    );
  }

  for (const [code, reason, status] of [
    [0, "remote_reset", 503],
    [1, "protocol_error", 502],
    [7, "remote_refused_stream_reset", 503],
    [8, "remote_reset", 503],
    [11, "remote_reset", 503],
  ] as const)
    behaviour(
      `RST_STREAM ${code} before the headers: ${status}`,
      toHttp2(({ stream }) => stream.close(code), { script: LOG }),
      async (b) => {
        expect((await b.exchange()).status).toBe(status);
        expect(await b.logged("d")).toBe(`0 upstream_reset_before_response_started{${reason}}`);
      },
    );

  behaviour(
    "a lost connection before the headers",
    toHttp2(({ stream }) => stream.session!.destroy(), { script: LOG }),
    async (b) => {
      expect((await b.exchange()).status).toBe(503);
      expect(await b.logged("d")).toBe("0 upstream_reset_before_response_started{connection_termination}");
    },
  );

  // --- headers that a filter makes

  for (const [name, value] of [
    [":foo", "x"],
    [":status", "200"],
    [":protocol", "x"],
    ["connection", "x"],
    ["connection", "close"],
    ["keep-alive", "x"],
    ["proxy-connection", "x"],
    ["transfer-encoding", "chunked"],
    ["upgrade", "x"],
    ["te", "gzip"],
  ])
    behaviour(
      `a filter adds ${name}: ${value}: 502, nothing is sent`,
      toHttp2(ok, { script: `on request_headers\n add 0 ${name} ${value}\n${LOG}` }),
      async (b) => {
        const response = await b.exchange({ method: "POST", body: "hello" });
        expect(response.status).toBe(502);
        expect(response.text).toMatch(/reset reason: protocol error$/);
        expect(await b.logged("d")).toBe("0 upstream_reset_before_response_started{protocol_error}");
        expect(b.http2.requests).toEqual([]);
        expect(await b.proxy.stat(`cluster.${b.id}-h2.upstream_rq_tx_reset`)).toBe(1);
      },
    );

  for (const [name, value, wanted] of [
    ["te", "trailers", "te=trailers"],
    ["expect", "100-continue", "expect=100-continue"],
    ["X-Case", "Kept", "x-case=Kept"],
  ])
    behaviour(
      `a filter adds ${name}: ${value}: fine`,
      toHttp2(ok, { script: `on request_headers\n add 0 ${name} ${value}` }),
      async (b) => {
        expect((await b.exchange({ method: "POST", body: "hello" })).text).toBe("ok");
        expect(seen(await b.http2.request(0))).toContain(wanted);
      },
    );

  for (const [edit, status] of [
    ["remove 0 :authority", 502],
    ["replace 0 :authority a%20b", 502],
    ["replace 0 :authority ''", 502],
    ["replace 0 :path /a%20b", 502],
    ["remove 0 :method", 503],
    ["remove 0 :path", 404],
    ["remove 0 :scheme", 200],
    ["replace 0 :scheme ftp", 200],
    ["replace 0 :method FOO", 200],
  ] as const)
    behaviour(
      `a filter does ${edit}: ${status}`,
      toHttp2(ok, { script: `on request_headers\n ${edit}\n${LOG}` }),
      async (b) => {
        expect((await b.exchange()).status).toBe(status);
        if (status === 200) expect((await b.http2.request(0)).header(":scheme")).toBe("http");
        else expect(b.http2.requests).toEqual([]);
      },
    );

  behaviour(
    "a content-length other than the body: 502",
    toHttp2(ok, { script: "on request_headers\n replace 0 content-length 7" }),
    async (b) => {
      expect((await b.exchange({ method: "POST", body: "hello" })).status).toBe(502);
    },
  );

  // --- trailers and gRPC

  const WITH_TRAILERS: Http2Handler = async (request) => {
    const { stream } = request;
    const came = new Promise<string>((resolve) => stream.once("trailers", (t) => resolve(JSON.stringify(t))));
    await request.ended();
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", async () => stream.sendTrailers({ "grpc-status": "0", "x-seen": await came }));
    stream.end("message");
  };

  behaviour(
    "gRPC, HTTP/2 on both sides: body and trailers both ways",
    toHttp2(WITH_TRAILERS, { ...HTTP2, script: "trace" }),
    async (b) => {
      const response = await h2Exchange(b.port, {
        method: "POST",
        headers: [
          ["content-type", "application/grpc"],
          ["te", "trailers"],
        ],
        body: "question",
        trailers: { "x-q": "1" },
      });
      expect([response.text, response.trailers[0]]).toEqual(["message", ["grpc-status", "0"]]);
      expect(JSON.parse(response.trailers[1]![1])).toMatchObject({ "x-q": "1" });
      expect(await bodies(b)).toEqual(["7 0"]);
      expect(await b.callbacks()).toEqual(expect.arrayContaining(["request_trailers", "response_trailers"]));
    },
  );

  behaviour(
    "trailers of HTTP/1.1, with enable_trailers: both ways",
    toHttp2(WITH_TRAILERS, { manager: { http_protocol_options: { enable_trailers: true } } }),
    async (b) => {
      const response = await b.exchange({ method: "POST", chunked: ["question"], trailers: [["X-Q", "1"]] });
      expect(response.trailers[0]).toEqual(["grpc-status", "0"]);
      expect(JSON.parse(response.trailers[1]![1])).toMatchObject({ "x-q": "1" });
    },
  );

  behaviour(
    "response trailers to HTTP/1.1 without enable_trailers: the guest sees them, the client does not",
    toHttp2(
      answer((stream) => {
        stream.respond({ ":status": 200 }, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ "x-t": "1" }));
        stream.end("body");
      }),
      { script: "on response_trailers\n t = pairs 3" },
    ),
    async (b) => {
      const response = await b.exchange();
      expect([response.text, response.trailers]).toEqual(["body", []]);
      expect(await b.logged("t")).toBe("0 x-t=1");
    },
  );

  behaviour(
    "trailers-only: grpc-status in the headers with the end of stream",
    toHttp2(
      answer((stream) => stream.respond({ ":status": 200, "grpc-status": "5" }, { endStream: true })),
      { ...HTTP2, script: "trace" },
    ),
    async (b) => {
      const response = await h2Exchange(b.port);
      expect([response.header("grpc-status"), response.trailers]).toEqual(["5", []]);
      expect(await bodies(b)).toEqual([]);
    },
  );

  // --- the other end goes first

  behaviour(
    "a client of HTTP/1.1 that goes: the upstream sees RST_STREAM INTERNAL_ERROR",
    toHttp2(() => {}),
    async (b) => {
      const client = await b.connect();
      client.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc");
      const request = await b.http2.request(0);
      client.reset();
      expect(await request.closed).toBe(2);
    },
  );

  behaviour(
    "a client of HTTP/2 that resets: the upstream sees RST_STREAM INTERNAL_ERROR, the connections stay",
    toHttp2(({ stream, headers }) => {
      if (headers.some(([name, value]) => name === ":path" && value === "/ok")) {
        stream.respond({ ":status": 200 });
        stream.end("ok");
      }
    }, HTTP2),
    async (b) => {
      const client = await H2Client.connect(b.port);
      const exchange = client.start({ method: "POST" }, true);
      const request = await b.http2.request(0);
      exchange.reset();
      expect(await request.closed).toBe(2);
      expect((await client.request({ path: "/ok" })).text).toBe("ok");
      expect((await b.http2.request(1)).connection).toBe(1);
      client.close();
    },
  );

  behaviour(
    "an answer before the request is complete ends both",
    toHttp2(({ stream }) => {
      stream.respond({ ":status": 200 });
      stream.end("early");
    }, HTTP2),
    async (b) => {
      const client = await H2Client.connect(b.port);
      const exchange = client.start({ method: "POST" }, true);
      exchange.stream.write("abc");
      const response = await exchange.response();
      expect([response.status, response.text]).toEqual([200, "early"]);
      await (await b.http2.request(0)).closed;
      expect(await b.proxy.stat(`cluster.${b.id}-h2.upstream_rq_tx_reset`)).toBe(1);
      client.close();
    },
  );

  for (const [what, http2, status] of [
    ["before", () => {}, 504],
    [
      "behind",
      ({ stream }: Http2Request) => {
        stream.respond({ ":status": 200 });
        stream.write("abc");
      },
      200,
    ],
  ] as const)
    behaviour(
      `the route's timeout ${what} the headers: RST_STREAM to the upstream`,
      {
        http2,
        routes: (id) => [{ match: { prefix: "/" }, route: { cluster: `${id}-h2`, timeout: "0.2s" } }],
        script: LOG,
      },
      async (b) => {
        const response = await b.exchange();
        expect([response.status, response.complete]).toEqual([status, status === 504]);
        expect(await (await b.http2.request(0)).closed).toBe(2);
        expect(await b.logged("d")).toBe("0 response_timeout");
      },
    );

  behaviour(
    "GOAWAY: what is under way ends, the next request takes another connection",
    toHttp2(async (request) => {
      request.stream.session!.close();
      await request.ended();
      request.stream.respond({ ":status": 200 });
      request.stream.end("ok");
    }),
    async (b) => {
      expect((await b.exchange()).text).toBe("ok");
      expect((await b.exchange()).text).toBe("ok");
      expect(b.http2.requests.map((request) => request.connection)).toEqual([1, 2]);
    },
  );

  behaviour("100 requests at once share one connection", toHttp2(ok, HTTP2), async (b) => {
    const client = await H2Client.connect(b.port);
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => client.request({ method: "POST", path: `/${i}`, body: `${i}` })),
    );
    expect(answers.every((a) => a.text === "ok")).toBe(true);
    expect(new Set(b.http2.requests.map((request) => request.connection)).size).toBe(1);
    for (const request of b.http2.requests) expect(`/${request.body}`).toBe(request.header(":path"));
    client.close();
  });

  // --- http_call

  const CALL = "c = call {id}-h2 1000 hello :method POST :path /call :authority a";
  const CALLED =
    "on http_call_response\n h = get 6 :status\n b = buffer 4 0 200\n t = pairs 7\n effective $stream\n continue 0";

  behaviour(
    "http_call to an HTTP/2 cluster: headers in their order, body, trailers back",
    {
      http2: answer((stream) => {
        stream.respond({ ":status": 200 }, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ "x-t": "1" }));
        stream.end("called");
      }),
      script: `on request_headers\n ${CALL} x-a 1 te trailers\n return 1\n${CALLED}`,
    },
    async (b) => {
      expect((await b.exchange()).text).toBe("ok");
      const request = await b.http2.request(0);
      expect(seen(request)).toEqual([
        ":method=POST",
        ":path=/call",
        ":authority=a",
        ":scheme=http",
        "x-a=1",
        "te=trailers",
        "content-length=5",
        "x-envoy-internal=true",
        "x-envoy-expected-rq-timeout-ms=1000",
      ]);
      expect(request.body.toString()).toBe("hello");
      expect([await b.logged("h"), await b.logged("b"), await b.logged("t")]).toEqual([
        "0 200",
        "0 called",
        "0 x-t=1",
      ]);
      expect(await b.proxy.stat(`cluster.${b.id}-h2.internal.upstream_rq_200`)).toBe(1);
    },
  );

  for (const name of [":foo", "connection", "transfer-encoding"])
    behaviour(
      `http_call with ${name}: a 502 in answer`,
      {
        http2: ok,
        script: `on request_headers\n ${CALL} ${name} x\n return 1\n${CALLED}`,
      },
      async (b) => {
        await b.exchange();
        expect(await b.logged("h")).toBe("0 502");
        expect(await b.logged("b")).toMatch(/reset reason: protocol error$/);
        expect(b.http2.requests).toEqual([]);
      },
    );

  behaviour(
    "http_call that is reset: a 503 in answer",
    {
      http2: ({ stream }) => stream.close(2),
      script: `on request_headers\n ${CALL}\n return 1\n${CALLED}`,
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("h")).toBe("0 503");
      expect(await b.logged("b")).toMatch(/reset reason: remote reset$/);
    },
  );
});
