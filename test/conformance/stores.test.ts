import { expect } from "vitest";
import { conformance } from "../support/conformance";

conformance(
  "Metrics",
  ({ behaviour, proxy }) => {
    behaviour(
      "a counter: increments add up, and it is in /stats under wasmcustom.",
      {
        script:
          "on request_headers\n id = metric 0 counter_one\n s = increment $id 3\n increment $id 4\n v = read-metric $id",
      },
      async (b) => {
        await b.exchange();
        expect(await b.logged("s")).toBe("0");
        expect(await b.logged("v")).toBe("0 7");
        expect(await proxy().stat("wasmcustom.counter_one")).toBe(7);
      },
    );

    behaviour(
      "a counter does not go down: 0 and negative deltas are BadArgument",
      {
        script:
          "on request_headers\n id = metric 0 counter_down\n z = increment $id 0\n n = increment $id -1\n v = read-metric $id",
      },
      async (b) => {
        await b.exchange();
        expect(await b.logged("z")).toBe("2");
        expect(await b.logged("n")).toBe("2");
        expect(await b.logged("v")).toBe("0 0");
      },
    );

    behaviour(
      "record on a counter adds",
      {
        script:
          "on request_headers\n id = metric 0 counter_rec\n record $id 5\n record $id 5\n v = read-metric $id",
      },
      async (b) => {
        await b.exchange();
        expect(await b.logged("v")).toBe("0 10");
      },
    );

    behaviour(
      "a gauge: record sets, increment goes both ways",
      {
        script:
          "on request_headers\n id = metric 1 gauge_one\n record $id 10\n increment $id -4\n increment $id 1\n v = read-metric $id",
      },
      async (b) => {
        await b.exchange();
        expect(await b.logged("v")).toBe("0 7");
        expect(await proxy().stat("wasmcustom.gauge_one")).toBe(7);
      },
    );

    behaviour(
      "a gauge below zero wraps around",
      {
        script:
          "on request_headers\n id = metric 1 gauge_wrap\n record $id 1\n s = increment $id -2\n v = read-metric $id",
      },
      async (b) => {
        await b.exchange();
        expect(await b.logged("s")).toBe("0");
        expect(await b.logged("v")).toBe("0 -1");
      },
    );

    behaviour(
      "a histogram: record is Ok, increment and read BadArgument",
      {
        script:
          "on request_headers\n id = metric 2 histogram_one\n s = record $id 12\n i = increment $id 1\n v = read-metric $id",
      },
      async (b) => {
        await b.exchange();
        expect(await b.logged("s")).toBe("0");
        expect(await b.logged("i")).toBe("2");
        expect(await b.logged("v")).toBe("2");
      },
    );

    behaviour(
      "defining a name again gives a new id of the same value",
      {
        script:
          "on request_headers\n a = metric 0 counter_twice\n b = metric 0 counter_twice\n increment $a 2\n v = read-metric $b",
      },
      async (b) => {
        await b.exchange();
        expect(await b.logged("a")).not.toBe(await b.logged("b"));
        expect(await b.logged("v")).toBe("0 2");
      },
    );

    behaviour(
      "the low two bits of an id are the type",
      {
        script:
          "on request_headers\n c = metric 0 typed\n g = metric 1 typed\n h = metric 2 typed\n bad = metric 3 typed",
      },
      async (b) => {
        await b.exchange();
        const bits = await Promise.all(
          ["c", "g", "h"].map(async (name) => Number((await b.logged(name)).slice(2)) & 3),
        );
        expect(bits).toEqual([0, 1, 2]);
        expect(await b.logged("bad")).toBe("2");
      },
    );

    behaviour(
      "unknown ids are NotFound",
      { script: "on request_headers\n i = increment 4000 1\n r = record 4001 1\n g = read-metric 4000" },
      async (b) => {
        await b.exchange();
        expect(await b.logged("i")).toBe("1");
        expect(await b.logged("r")).toBe("1");
        expect(await b.logged("g")).toBe("1");
      },
    );

    behaviour(
      "values live on between requests and are shared by plugins",
      {
        script: [
          "on request_headers\n id = metric 0 counter_shared\n increment $id 1",
          "on request_headers\n id2 = metric 0 counter_shared\n v = read-metric $id2",
        ],
      },
      async (b) => {
        await b.exchange();
        await b.exchange();
        expect(await b.allLogged("v")).toEqual(["0 1", "0 2"]);
      },
    );

    behaviour(
      "Prometheus text: dots become underscores, the wasmcustom prefix is dropped",
      { script: "on request_headers\n id = metric 0 prom.counter.one\n increment $id 2" },
      async (b) => {
        await b.exchange();
        const text = await proxy().admin("/stats/prometheus");
        expect(text).toMatch(/^# TYPE prom_counter_one counter$/m);
        expect(text).toMatch(/^prom_counter_one\{.*\} 2$/m);
      },
    );

    behaviour(
      "a histogram in Prometheus text: buckets, sum and count",
      { script: "on request_headers\n id = metric 2 prom_histogram\n record $id 3\n record $id 30" },
      async (b) => {
        await b.exchange();
        // Histograms become visible when the workers' values are merged, at the next flush.
        let text = "";
        while (!/^prom_histogram_count\{.*\} 2$/m.test(text)) text = await proxy().admin("/stats/prometheus");
        expect(text).toMatch(/^prom_histogram_bucket\{.*le="5"\} 1$/m);
        expect(text).toMatch(/^prom_histogram_bucket\{.*le="50"\} 2$/m);
        expect(text).toMatch(/^prom_histogram_bucket\{.*le="\+Inf"\} 2$/m);
      },
    );
  },
  { bootstrap: { stats_flush_interval: "0.1s" } },
);

conformance(
  "Metrics and stats tags",
  ({ behaviour, proxy }) => {
    behaviour(
      "stats_tags take labels out of encoded names",
      { script: "on request_headers\n id = metric 0 requests.code.200.method.GET.end\n increment $id 1" },
      async (b) => {
        await b.exchange();
        const text = await proxy().admin("/stats/prometheus");
        expect(text).toMatch(/^requests_end\{(.*,)?my_code="200"(,.*)?\} 1$/m);
        expect(text).toMatch(/^requests_end\{(.*,)?my_method="GET"(,.*)?\} 1$/m);
      },
    );
  },
  {
    bootstrap: {
      stats_config: {
        stats_tags: [
          { tag_name: "my_code", regex: "(\\.code\\.(\\d+))" },
          { tag_name: "my_method", regex: "(\\.method\\.(\\w+))" },
        ],
      },
    },
  },
);

conformance("Shared data", ({ behaviour }) => {
  behaviour(
    "what is set can be read, also by the next request",
    { script: "on request_headers\n before = shared key\n s = set-shared key value 0\n after = shared key" },
    async (b) => {
      await b.exchange();
      await b.exchange();
      expect(await b.allLogged("before")).toEqual(["1", "0 value"]);
      expect(await b.allLogged("s")).toEqual(["0", "0"]);
      expect(await b.allLogged("after")).toEqual(["0 value", "0 value"]);
    },
  );

  behaviour(
    "an empty value is there",
    { script: "on request_headers\n set-shared key '' 0\n a = shared key" },
    async (b) => {
      await b.exchange();
      expect(await b.logged("a")).toBe("0");
    },
  );

  behaviour(
    "cas: the number just read is accepted, an old one is CasMismatch and changes nothing",
    {
      script:
        "on request_headers\n set-shared key one 0\n cas = shared-cas key\n a = set-shared key two $cas\n b = set-shared key three $cas\n v = shared key",
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("a")).toBe("0");
      expect(await b.logged("b")).toBe("8");
      expect(await b.logged("v")).toBe("0 two");
    },
  );

  behaviour(
    "cas 0 overwrites; a cas on a missing key creates it",
    {
      script:
        "on request_headers\n set-shared key one 0\n a = set-shared key two 0\n b = set-shared missing x 77\n v = shared missing",
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("a")).toBe("0");
      expect(await b.logged("b")).toBe("0");
      expect(await b.logged("v")).toBe("0 x");
    },
  );

  behaviour(
    "every write gives a new, larger cas number",
    {
      script:
        "on request_headers\n set-shared key one 0\n a = shared-cas key\n set-shared key two 0\n b = shared-cas key",
    },
    async (b) => {
      await b.exchange();
      const [first, second] = [
        Number((await b.logged("a")).slice(2)),
        Number((await b.logged("b")).slice(2)),
      ];
      expect(first).toBeGreaterThan(0);
      expect(second).toBeGreaterThan(first);
    },
  );

  behaviour(
    "plugins of one vm_id share their data",
    { script: ["on request_headers\n set-shared from first 0", "on request_headers\n v = shared from"] },
    async (b) => {
      await b.exchange();
      expect(await b.logged("v")).toBe("0 first");
    },
  );

  behaviour(
    "another vm_id has its own: nothing of the tests above is here",
    { script: "on request_headers\n v = shared key\n w = shared from" },
    async (b) => {
      await b.exchange();
      expect(await b.logged("v")).toBe("1");
      expect(await b.logged("w")).toBe("1");
    },
  );

  behaviour(
    "bytes of any value are kept, in keys and in values",
    { script: "on request_headers\n set-shared %00%FF %00%01%FF 0\n v = shared %00%FF" },
    async (b) => {
      await b.exchange();
      expect(await b.logged("v")).toBe("0 %00%01%FF");
    },
  );
});
