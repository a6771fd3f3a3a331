import { expect } from "vitest";
import { LogLevel } from "../../sdk/abi/log-level";
import { conformance } from "../support/conformance";

/** Level and text of the own messages that contain a word. */
const LEVELS = ["trace", "debug", "info", "warning", "error", "critical"];

conformance(
  "Logging",
  ({ behaviour, proxy }) => {
    behaviour(
      "proxy_log: six levels, each under its own name",
      {
        script: `on request_headers\n${LEVELS.map((_, level) => ` log ${level} level-${level}-{id}`).join("\n")}`,
      },
      async (b) => {
        await b.exchange();
        await b.message((m) => m === `level-5-${b.id}`, "the last level");
        for (const [level, name] of LEVELS.entries()) {
          const line = proxy().log.lines.find(({ message }) => message.endsWith(`: level-${level}-${b.id}`));
          expect(line?.level).toBe(name);
        }
      },
    );

    behaviour(
      "a level past the last is BadArgument",
      { script: "on request_headers\n s = log 6 never" },
      async (b) => {
        await b.exchange();
        expect(await b.logged("s")).toBe("2");
        expect(await b.messages()).not.toContain("never");
      },
    );

    behaviour(
      "a line carries plugin name, root id and VM id; a root context's no name",
      {
        script: "on configure\n log 2 from-root\non request_headers\n log 2 from-stream",
        plugin: { name: "the-name" },
        vmId: "the-vm",
      },
      async (b) => {
        await b.exchange();
        await b.message((m) => m === "from-stream", "from-stream");
        const texts = proxy().log.lines.map(({ message }) => message);
        expect(texts).toContain(`wasm log the-name ${b.id} the-vm: from-stream`);
        expect(texts).toContain(`wasm log ${b.id} the-vm: from-root`);
      },
    );

    behaviour(
      "bytes of a message come out as they are",
      { script: "on request_headers\n log 2 caf%C3%A9%FF" },
      async (b) => {
        await b.exchange();
        expect(await b.message((m) => m.startsWith("caf"), "caf")).toBe("caf\xc3\xa9\xff");
      },
    );

    behaviour(
      "get_log_level is the level of the wasm logger",
      { script: "on request_headers\n l = log-level" },
      async (b) => {
        await b.exchange();
        expect(await b.logged("l")).toBe("0 0");
      },
    );

    behaviour(
      "stdout is logged at info, stderr at error, a newline at the end is dropped, several vectors are one line",
      {
        script:
          "on request_headers\n a = write 1 out- {id} %0A\n b = write 2 err-{id}\n c = write 1 ''\n d = write 3 x",
      },
      async (b) => {
        await b.exchange();
        expect(await b.logged("a")).toBe(`0 ${`out-${b.id}\n`.length}`);
        expect(await b.logged("c")).toBe("0 0");
        expect(await b.logged("d")).toBe("8");
        const level = (text: string) =>
          proxy().log.lines.find(({ message }) => message.endsWith(`: ${text}`))?.level;
        expect(level(`out-${b.id}`)).toBe("info");
        expect(level(`err-${b.id}`)).toBe("error");
      },
    );
  },
  { componentLogLevels: new Map([["wasm", LogLevel.Trace]]) },
);

conformance("Clocks, WASI and memory", ({ behaviour }) => {
  behaviour(
    "proxy_get_current_time_nanoseconds is the wall clock and moves on",
    { script: "on request_headers\n a = time\n b = time" },
    async (b) => {
      await b.exchange();
      const [first, second] = [
        BigInt((await b.logged("a")).slice(2)),
        BigInt((await b.logged("b")).slice(2)),
      ];
      expect(Math.abs(Date.now() - Number(first / 1_000_000n))).toBeLessThan(60_000);
      expect(second).toBeGreaterThan(first);
    },
  );

  behaviour(
    "clock_time_get: realtime, monotonic, others NOTSUP",
    {
      script:
        "on request_headers\n r = clock 0\n m = clock 1\n n = clock 1\n x = clock 2\n res = clock-resolution 0\n y = clock-resolution 3",
    },
    async (b) => {
      await b.exchange();
      expect(Math.abs(Date.now() - Number((await b.logged("r")).slice(2)) / 1e6)).toBeLessThan(60_000);
      expect(BigInt((await b.logged("n")).slice(2))).toBeGreaterThan(BigInt((await b.logged("m")).slice(2)));
      expect(await b.logged("x")).toBe("58");
      expect(await b.logged("res")).toBe("0 1");
      expect(await b.logged("y")).toBe("58");
    },
  );

  behaviour(
    "random_get fills up to 65536 bytes, more is INVAL, none is Ok",
    { script: "on request_headers\n a = random 65536\n b = random 65537\n c = random 0" },
    async (b) => {
      await b.exchange();
      expect(await b.logged("a")).toBe("0 filled");
      expect(await b.logged("b")).toMatch(/^28/);
      expect(await b.logged("c")).toMatch(/^0/);
    },
  );

  behaviour(
    "environment variables are those of the VM configuration, and no others",
    {
      script: "on request_headers\n e = environment\n a = arguments",
      vm: { environment_variables: { key_values: { ONE: "1", TWO: "zwei =2" } } },
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("e")).toBe("0 ONE=1,TWO=zwei =2");
      expect(await b.logged("a")).toBe("0 0 0");
    },
  );

  behaviour(
    "host variables pass by name, those that do not exist are left out",
    {
      script: "on request_headers\n e = environment",
      vm: { environment_variables: { host_env_keys: ["PATH", "NO_SUCH_VARIABLE_HERE"] } },
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("e")).toBe(`0 PATH=${process.env.PATH}`);
    },
  );

  behaviour(
    "without configuration the environment is empty",
    { script: "on request_headers\n e = environment" },
    async (b) => {
      await b.exchange();
      expect(await b.logged("e")).toBe("0");
    },
  );

  behaviour(
    "proc_exit returns to the guest, which lives on",
    { script: "on request_headers\n exit 1\n after = set alive" },
    async (b) => {
      expect((await b.exchange()).status).toBe(200);
      expect(await b.logged("after")).toBe("0 alive");
      expect((await b.exchange()).status).toBe(200);
    },
  );

  behaviour(
    "the inert rest of WASI",
    {
      script:
        "on request_headers\n y = yield\n p = poll\n c = fd-close 5\n r = fd-read 0\n s = fd-stat 1\n t = fd-stat 9\n q = fd-prestat 3",
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("y")).toBe("0");
      expect(await b.logged("p")).toBe("0 0");
      expect(await b.logged("c")).toBe("0");
      expect(await b.logged("r")).toBe("52");
      expect(await b.logged("s")).toBe("0 64");
      expect(await b.logged("t")).toBe("8");
      expect(await b.logged("q")).toBe("8");
    },
  );

  behaviour(
    "input outside memory is InvalidMemoryAccess, even with length 0; at the very end it is Ok",
    {
      script:
        "on request_headers\n end = memory-end\n a = raw-log 2 $end 1\n b = raw-log 2 4294967295 0\n c = raw-log 2 $end 0\n d = raw-log 2 4294967295 4294967295",
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("a")).toBe("6");
      expect(await b.logged("b")).toBe("6");
      expect(await b.logged("c")).toBe("0");
      expect(await b.logged("d")).toBe("6");
    },
  );

  behaviour(
    "output outside memory is InvalidMemoryAccess",
    {
      script:
        "on request_headers\n end = memory-end\n a = raw-time $end\n b = raw-buffer 6 0 10 $end $end\n c = raw-random $end 8\n d = raw-write 1 $end 1 0",
      vm: { configuration: { "@type": "type.googleapis.com/google.protobuf.StringValue", value: "vm" } },
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("a")).toBe("6");
      expect(await b.logged("b")).toBe("6");
      expect(await b.logged("c")).toBe("21");
      expect(await b.logged("d")).toBe("21");
    },
  );

  behaviour(
    "address 0 is an address like any other: results are written there",
    {
      script: "on request_headers\n s = raw-buffer 6 0 10 0 4\n n = peek 4",
      vm: { configuration: { "@type": "type.googleapis.com/google.protobuf.StringValue", value: "seven77" } },
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("s")).toBe("0");
      expect(await b.logged("n")).toBe("0 7");
    },
  );

  behaviour(
    "a restricted capability: the hostcall is InternalFailure, the callback is not called",
    {
      script: "trace\non request_headers\n a = time\n g = get 0 :path",
      plugin: {
        capability_restriction_config: {
          allowed_capabilities: Object.fromEntries(
            [
              "proxy_log",
              "proxy_get_buffer_bytes",
              "proxy_get_header_map_value",
              "proxy_on_context_create",
              "proxy_on_vm_start",
              "proxy_on_configure",
              "proxy_on_request_headers",
              "proxy_on_done",
            ].map((name) => [name, {}]),
          ),
        },
      },
    },
    async (b) => {
      await b.exchange();
      await b.message((m) => m.startsWith("> done"), "done");
      expect(await b.logged("a")).toBe("10");
      expect(await b.logged("g")).toBe("0 /");
      expect(await b.callbacks()).not.toContain("response_headers");
    },
  );

  behaviour(
    "an unknown foreign function is NotFound",
    { script: "on request_headers\n f = foreign no_such_function x" },
    async (b) => {
      await b.exchange();
      expect(await b.logged("f")).toBe("1");
    },
  );
});

conformance("Timers", ({ behaviour }) => {
  behaviour(
    "a timer set in configure ticks again and again on the root context",
    {
      script:
        "on configure\n tick 5\non tick\n t = set $context\n when $n 3 : tick 0\n when $n 3 : third = set 1",
    },
    async (b) => {
      await b.logged("third");
      expect((await b.allLogged("t"))[0]).toBe("0 1");
    },
  );

  behaviour(
    "a period of 0 stops it, while another root's timer goes on",
    {
      script: [
        "on configure\n tick 5\non tick\n tick 0\n stopped = set $n",
        "on configure\n tick 5\non tick\n when $n 6 : tick 0\n when $n 6 : sixth = set 1",
      ],
    },
    async (b) => {
      await b.logged("sixth");
      expect(new Set(await b.allLogged("stopped"))).toEqual(new Set(["0 1"]));
    },
  );

  behaviour(
    "set in configure it ticks in every VM: on the main thread and on the worker",
    { script: "on configure\n tick 5\non tick\n tick 0\n t = set 1" },
    async (b) => {
      await b.proxy.log.waitFor(
        (lines) =>
          lines.filter(({ message }) => message.endsWith(` ${b.id}: t=0 1`)).length === 2 ? true : undefined,
        "two ticks",
      );
    },
  );

  behaviour(
    "a tick may change its own period",
    { script: "on configure\n tick 1000000\n tick 5\non tick\n tick 1000000\n t = set $n" },
    async (b) => {
      expect(await b.logged("t")).toBe("0 1");
    },
  );

  behaviour(
    "set from a stream, it belongs to the root",
    { script: "on request_headers\n s = tick 5\non tick\n tick 0\n c = set $context" },
    async (b) => {
      await b.exchange();
      expect(await b.logged("s")).toBe("0");
      expect(await b.logged("c")).toBe("0 1");
    },
  );
});
