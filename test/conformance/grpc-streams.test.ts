import { setTimeout as wait } from "node:timers/promises";
import { expect } from "vitest";
import { conformance } from "../support/conformance";
import { beginAnswer, endAnswer, grpcAnswer, grpcFrame, grpcMessages, headOnly } from "../support/grpc-wire";

/** Opens a stream with each request, which goes on by itself. */
const open = (more: string, on = "") => `
  trace
  on request_headers
    id = grpc-stream {id}-h2 test.Echo Talk x-meta 1
    ${more}
  ${on}`;

const TELL = `
  on grpc_receive_initial_metadata
    im = pairs 4
    imt = pairs 5
    imb = buffer 5 0 10
  on grpc_receive
    m = buffer 5 0 100
    mi = pairs 4
  on grpc_receive_trailing_metadata
    tm = pairs 5
    add = add 5 a b
    size = size 5
  on grpc_close
    st = status
    ci = pairs 4
    ct = pairs 5`;

conformance("gRPC streams", ({ behaviour }) => {
  const callbacks = (messages: string[]) => messages.filter((message) => message.startsWith("> grpc"));

  behaviour(
    "messages both ways: initial metadata, messages, trailing metadata, close",
    {
      script: open("a = grpc-send $id one 0\n b = grpc-send $id two 0\n c = grpc-close $id", TELL),
      http2: grpcAnswer({
        headers: { "x-head": "1" },
        messages: ["1", "", "333"],
        trailers: { "grpc-status": "0", "x-tail": "2" },
      }),
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("id")).toBe("0 6");
      expect(await b.logged("st")).toBe("0 0 via_upstream");
      expect(callbacks(await b.messages())).toEqual([
        expect.stringMatching(/^> grpc_receive_initial_metadata 1 6 5$/),
        "> grpc_receive 1 6 1",
        "> grpc_receive 1 6 0",
        "> grpc_receive 1 6 3",
        "> grpc_receive_trailing_metadata 1 6 2",
        "> grpc_close 1 6 0",
      ]);
      expect(await b.logged("im")).toMatch(
        /^0 :status=200\|content-type=application\/grpc\|x-head=1\|date=[^|]*\|x-envoy-upstream-service-time=\d+$/,
      );
      expect(await b.allLogged("m")).toEqual(["0 1", "0", "0 333"]);
      expect(await b.logged("tm")).toBe("0 grpc-status=0|x-tail=2");
      const request = await b.http2.request(0);
      expect(grpcMessages(request.body)).toEqual(["one", "two"]);
      expect(request.headers).toEqual([
        [":method", "POST"],
        [":path", "/test.Echo/Talk"],
        [":authority", `${b.id}-h2`],
        [":scheme", "http"],
        ["te", "trailers"],
        ["content-type", "application/grpc"],
        ["x-meta", "1"],
        ["x-envoy-internal", "true"],
      ]);
    },
  );

  behaviour(
    "maps 4 and 5 and buffer 5 are there inside their own callbacks only; the maps cannot be changed",
    {
      script: open("grpc-send $id one 1", TELL),
      http2: grpcAnswer({ messages: ["x"] }),
    },
    async (b) => {
      await b.exchange();
      await b.logged("st");
      for (const name of ["imt", "imb", "mi", "ci", "ct"])
        expect([name, await b.logged(name)]).toEqual([name, "0"]);
      expect(await b.logged("add")).toBe("2");
      expect(await b.logged("size")).toBe("2");
    },
  );

  behaviour(
    "a conversation: each answer brings the next message, the last one ends this side",
    {
      script: open(
        "grpc-send $id 1 0",
        `on grpc_receive
           m = buffer 5 0 10
           when $n 1 : a = grpc-send $call 2 0
           when $n 2 : b = grpc-send $call 3 1
         on grpc_close
           st = status`,
      ),
      http2: async (request) => {
        beginAnswer(request);
        let answered = 0;
        request.stream.on("data", () => {
          for (const message of grpcMessages(request.body).slice(answered)) {
            answered++;
            request.stream.write(grpcFrame(`re ${message}`));
          }
        });
        await request.ended();
        endAnswer(request, { "grpc-status": "0" });
      },
    },
    async (b) => {
      await b.exchange();
      await b.logged("st");
      expect(await b.allLogged("m")).toEqual(["0 re 1", "0 re 2", "0 re 3"]);
    },
  );

  behaviour(
    "initial metadata comes before the request has ended; then there is no x-envoy-upstream-service-time",
    {
      script: open(
        "grpc-send $id one 0",
        "on grpc_receive_initial_metadata\n im = pairs 4\n c = grpc-close $call\n on grpc_close\n st = status",
      ),
      http2: async (request) => {
        beginAnswer(request);
        await request.ended();
        endAnswer(request, { "grpc-status": "0" });
      },
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("im")).toMatch(/^0 :status=200\|content-type=application\/grpc\|date=[^|]*$/);
      expect(await b.logged("c")).toBe("0");
      expect(await b.logged("st")).toBe("0 0 via_upstream");
    },
  );

  behaviour(
    "after this side has ended, send and close still answer Ok and send nothing",
    {
      script: open(
        "a = grpc-send $id one 1\n b = grpc-send $id two 0\n c = grpc-close $id\n d = grpc-close $id",
      ),
      http2: grpcAnswer({}),
    },
    async (b) => {
      await b.exchange();
      for (const name of ["a", "b", "c", "d"]) expect([name, await b.logged(name)]).toEqual([name, "0"]);
      expect(grpcMessages(await (await b.http2.request(0)).ended())).toEqual(["one"]);
    },
  );

  behaviour(
    "trailers only: empty initial metadata, the head as trailing metadata",
    {
      script: open("grpc-send $id one 0", TELL),
      http2: headOnly({ "grpc-status": 7, "grpc-message": "x%20y" }),
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("im")).toBe("0");
      expect(await b.logged("tm")).toMatch(
        /^0 :status=200\|grpc-status=7\|grpc-message=x%2520y\|date=[^|]*$/,
      );
      expect(await b.logged("st")).toBe("0 7 x%2520y{via_upstream}");
    },
  );

  behaviour(
    "an HTTP error: empty metadata, a status that stands for it",
    { script: open("grpc-send $id one 0", TELL), http2: headOnly({ ":status": 404, "x-y": 1 }) },
    async (b) => {
      await b.exchange();
      expect(await b.logged("im")).toBe("0");
      expect(await b.logged("tm")).toBe("0");
      expect(await b.logged("st")).toBe("0 12 via_upstream");
    },
  );

  behaviour(
    "a failing status with its message, after messages",
    {
      script: open("grpc-send $id one 1", TELL),
      http2: grpcAnswer({ messages: ["x"], trailers: { "grpc-status": "3", "grpc-message": "bad" } }),
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("m")).toBe("0 x");
      expect(await b.logged("st")).toBe("0 3 bad{via_upstream}");
    },
  );

  behaviour(
    "nobody listens: what the proxy answers comes as trailing metadata",
    {
      script: `${TELL}\n on request_headers\n id = grpc-stream dead test.Echo Talk`,
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("im")).toBe("0");
      expect(await b.logged("tm")).toBe(
        "0 :status=200|content-type=application/grpc|grpc-status=14|grpc-message=upstream connect error or disconnect/reset before headers. reset reason: remote connection failure",
      );
      expect(await b.logged("st")).toMatch(/^0 14 upstream connect error .*Connection_refused\}\}$/);
    },
  );

  behaviour(
    "reset before the head: the same",
    { script: open("grpc-send $id one 0", TELL), http2: ({ stream }) => stream.close(2) },
    async (b) => {
      await b.exchange();
      expect(await b.logged("im")).toBe("0");
      expect(await b.logged("tm")).toMatch(/\|grpc-status=14\|grpc-message=upstream connect .*remote reset$/);
      expect(await b.logged("st")).toMatch(
        /^0 14 .*\{upstream_reset_before_response_started\{remote_reset\}\}$/,
      );
    },
  );

  for (const [name, cut, reason] of [
    ["reset", (stream: { close(code: number): void }) => stream.close(2), "remote_reset"],
    [
      "connection lost",
      (stream: { session?: { destroy(): void } | undefined }) => stream.session!.destroy(),
      "connection_termination",
    ],
  ] as const)
    behaviour(
      `${name} after a message: empty trailing metadata, 13`,
      {
        script: open("grpc-send $id one 0", `${TELL}\n on grpc_receive\n grpc-send $call two 0`),
        http2: (request) => {
          beginAnswer(request);
          request.stream.write(grpcFrame("x"));
          // The second message says that the first answer has arrived.
          request.stream.on("data", () => grpcMessages(request.body).length > 1 && cut(request.stream));
        },
      },
      async (b) => {
        await b.exchange();
        expect(await b.logged("m")).toBe("0 x");
        expect(await b.logged("tm")).toBe("0");
        expect(await b.logged("st")).toBe(`0 13 upstream_reset_after_response_started{${reason}}`);
      },
    );

  behaviour(
    "a compressed message ends the stream, those before it are delivered",
    {
      script: open("grpc-send $id one 1", TELL),
      http2: grpcAnswer({ messages: [Buffer.concat([grpcFrame("ok"), grpcFrame("bad", 1)])] }),
    },
    async (b) => {
      await b.exchange();
      expect(await b.allLogged("m")).toEqual(["0 ok"]);
      expect(await b.logged("tm")).toBe("0");
      expect(await b.logged("st")).toBe("0 13 via_upstream");
    },
  );

  behaviour(
    "cancel: reset at the server, forgotten here, no callback",
    {
      script: open(
        "grpc-send $id one 0",
        `on grpc_receive_initial_metadata
           c = grpc-cancel $call
           again = grpc-cancel $call
           send = grpc-send $call x 0
           close = grpc-close $call`,
      ),
      http2: (request) => {
        beginAnswer(request);
        request.stream.write(grpcFrame("x"));
      },
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("c")).toBe("0");
      expect(await b.logged("again")).toBe("1");
      expect(await b.logged("send")).toBe("1");
      expect(await b.logged("close")).toBe("1");
      expect(await (await b.http2.request(0)).closed).toBe(2);
      expect(callbacks(await b.messages())).toHaveLength(1);
    },
  );

  behaviour(
    "cancelled before it is connected, the server hears nothing of it",
    {
      script: open(
        "grpc-send $id one 0\n c = grpc-cancel $id\n d = grpc-stream {id}-h2 test.Echo Second\n grpc-close $d",
      ),
      http2: grpcAnswer({}),
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("c")).toBe("0");
      const [first] = [await b.http2.request(0)];
      expect(first.header(":path")).toBe("/test.Echo/Second");
    },
  );

  behaviour(
    "ended by the server first: known until closed here too",
    {
      script: open(
        "grpc-send $id one 0",
        `on grpc_close
           in = grpc-send $call late 0
           tick 10
         on tick
           tick 0
           a = grpc-send $id late 0
           b = grpc-close $id
           c = grpc-close $id
           d = grpc-send $id late 0`,
      ),
      http2: headOnly({ "grpc-status": 0 }),
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("in")).toBe("0");
      expect(await b.logged("a")).toBe("0");
      expect(await b.logged("b")).toBe("0");
      expect(await b.logged("c")).toBe("1");
      expect(await b.logged("d")).toBe("1");
    },
  );

  behaviour(
    "closed here first: forgotten after grpc_close",
    {
      script: open(
        "grpc-send $id one 0\n grpc-close $id",
        "on grpc_close\n in = grpc-send $call x 0\n tick 10\n on tick\n tick 0\n a = grpc-send $id x 0",
      ),
      http2: grpcAnswer({}),
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("in")).toBe("0");
      expect(await b.logged("a")).toBe("1");
    },
  );

  behaviour(
    "an answer that is over before the request is: the server sees a reset",
    {
      script: open("grpc-send $id one 0", "on grpc_close\n st = status"),
      http2: async (request) => {
        beginAnswer(request);
        await wait(0);
        endAnswer(request, { "grpc-status": "0" });
      },
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("st")).toBe("0 0 via_upstream");
      expect(await (await b.http2.request(0)).closed).toBe(2);
    },
  );

  behaviour(
    "a stream outlives the request that opened it",
    {
      script: open(
        "grpc-send $id one 0",
        "on delete\n tick 20\n on tick\n tick 0\n late = grpc-send $id two 0\n on grpc_receive\n m = buffer 5 0 10\n e = effective $stream",
      ),
      http2: (request) => {
        beginAnswer(request);
        request.stream.on("data", () => {
          if (grpcMessages(request.body).length === 2) request.stream.write(grpcFrame("late"));
        });
      },
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("late")).toBe("0");
      expect(await b.logged("m")).toBe("0 late");
      expect(await b.logged("e")).toBe("2");
    },
  );

  behaviour(
    "an unknown cluster: ParseFailure",
    { script: "on request_headers\n id = grpc-stream nowhere a b" },
    async (b) => {
      await b.exchange();
      expect(await b.logged("id")).toBe("4");
    },
  );

  behaviour(
    "many streams share one connection",
    {
      script: `
        on request_headers
          a = grpc-stream {id}-h2 s m
          b = grpc-stream {id}-h2 s m
          c = grpc-stream {id}-h2 s m
          grpc-send $a 1 1
          grpc-send $b 2 1
          grpc-send $c 3 1
        on grpc_receive
          m = buffer 5 0 10
        on grpc_close
          when $n 3 : all = set 1`,
      http2: async (request) => {
        await grpcAnswer({ messages: grpcMessages(await request.ended()) })(request);
      },
    },
    async (b) => {
      await b.exchange();
      await b.logged("all");
      expect((await b.allLogged("m")).sort()).toEqual(["0 1", "0 2", "0 3"]);
      expect(b.http2.sessions).toHaveLength(1);
    },
  );
});
