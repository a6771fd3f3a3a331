import { expect } from "vitest";
import { type Behaviour, conformance, type Setup } from "../support/conformance";
import { double, pairBytes, percent } from "../support/guest-bytes";

/** One line a property: `name = prop segments`, in one callback. */
function reading(callback: string, lines: Record<string, string>): Setup {
  const body = Object.entries(lines).map(([name, path]) => ` ${name} = prop ${path}`);
  return { script: `on ${callback}\n${body.join("\n")}` };
}

async function expectLogged(b: Behaviour, wanted: Record<string, string>): Promise<void> {
  const found = await Promise.all(Object.keys(wanted).map(async (name) => [name, await b.logged(name)]));
  expect(Object.fromEntries(found)).toEqual(wanted);
}

/** A length-delimited protobuf field. */
const field = (number: number, content: Buffer | string): Buffer =>
  Buffer.concat([Buffer.from([(number << 3) | 2, content.length]), Buffer.from(content as string)]);

/** `core.v3.Metadata` with one namespace `test` of one text field `key`, as protobuf bytes. */
function oneKey(text: string): string {
  const entry = Buffer.concat([field(1, "key"), field(2, field(3, text))]);
  return percent(field(1, Buffer.concat([field(1, "test"), field(2, field(1, entry))])));
}

const keyed = (key: unknown) => ({ metadata: { filter_metadata: { test: { key } } } });
const EMPTY_PAIRS = "0 %00%00%00%00";

conformance("Properties that are messages", ({ behaviour }) => {
  behaviour(
    "a message read as a whole is its protobuf bytes",
    {
      ...reading("request_headers", {
        listener: "xds listener_metadata",
        route: "xds route_metadata",
        host: "xds virtual_host_metadata",
        cluster: "xds cluster_metadata",
      }),
      listener: keyed("l"),
      virtualHost: keyed("vh"),
      cluster: keyed("c"),
      routes: (id) => [{ match: { prefix: "/" }, route: { cluster: id }, ...keyed("rou") }],
    },
    async (b) => {
      await b.exchange();
      await expectLogged(b, {
        listener: `0 ${oneKey("l")}`,
        route: `0 ${oneKey("rou")}`,
        host: `0 ${oneKey("vh")}`,
        cluster: `0 ${oneKey("c")}`,
      });
    },
  );

  behaviour(
    "metadata that is not configured is an empty message; its fields have their defaults",
    reading("request_headers", {
      listener: "xds listener_metadata",
      route: "xds route_metadata",
      host: "xds virtual_host_metadata",
      cluster: "xds cluster_metadata",
      dynamic: "metadata",
      field: "xds route_metadata filter_metadata",
      typed: "metadata typed_filter_metadata",
      below: "metadata filter_metadata envoy.test",
      unknown: "metadata nothing",
    }),
    async (b) => {
      await b.exchange();
      await expectLogged(b, {
        ...{ listener: "0", route: "0", host: "0", cluster: "0", dynamic: "0" },
        ...{ field: EMPTY_PAIRS, typed: EMPTY_PAIRS, below: "1", unknown: "1" },
      });
    },
  );

  behaviour(
    "a null makes what is around it unserializable, except for a whole message",
    {
      ...reading("request_headers", {
        whole: "xds listener_metadata",
        map: "xds listener_metadata filter_metadata",
        inner: "xds listener_metadata filter_metadata test",
        nothing: "xds listener_metadata filter_metadata test key",
        below: "xds listener_metadata filter_metadata test key more",
      }),
      listener: keyed(null),
    },
    async (b) => {
      await b.exchange();
      expect(await b.logged("whole")).toMatch(/^0 ./);
      await expectLogged(b, { map: "3", inner: "3", nothing: "3", below: "1" });
    },
  );

  behaviour(
    "lists and maps inside metadata: by index, by key, nested, whole",
    {
      ...reading("request_headers", {
        first: "xds listener_metadata filter_metadata test key 0",
        second: "xds listener_metadata filter_metadata test key 1",
        nested: "xds listener_metadata filter_metadata test key 2 a.b 0",
        past: "xds listener_metadata filter_metadata test key 3",
        name: "xds listener_metadata filter_metadata test key first",
        negative: "xds listener_metadata filter_metadata test key -1",
        padded: "xds listener_metadata filter_metadata test key 00",
        map: "xds listener_metadata filter_metadata test key 2",
        text: "xds listener_metadata filter_metadata test key 0 0",
      }),
      listener: keyed(["é", false, { "a.b": [7] }]),
    },
    async (b) => {
      await b.exchange();
      const inner = pairBytes(["a.b", pairBytes([double(7), ""])]);
      await expectLogged(b, {
        first: "0 %C3%A9",
        second: "0 %00",
        nested: `0 ${percent(double(7))}`,
        ...{ past: "1", name: "1", negative: "1", padded: "0 %C3%A9", text: "1" },
        map: `0 ${percent(inner)}`,
      });
    },
  );

  behaviour(
    "unset fields of xds.node are there with their defaults, unknown ones are not",
    reading("configure", {
      locality: "xds node locality",
      region: "xds node locality region",
      metadata: "xds node metadata",
      features: "xds node client_features",
      parameters: "xds node dynamic_parameters",
      unknown: "xds node nothing",
      below: "xds node id more",
    }),
    async (b) => {
      await b.exchange();
      await expectLogged(b, {
        ...{ locality: "0", region: "0", metadata: EMPTY_PAIRS, features: EMPTY_PAIRS },
        ...{ parameters: EMPTY_PAIRS, unknown: "1", below: "1" },
      });
    },
  );

  behaviour(
    "namespaces: with a stream not serializable, in a root context NotFound, but for xds",
    {
      script: ["configure", "request_headers"]
        .map((callback) =>
          [
            `on ${callback}`,
            ...[
              "request",
              "response",
              "source",
              "destination",
              "connection",
              "upstream",
              "xds",
              "filter_state",
              "metadata",
            ].map((name) => ` ${callback}.${name} = prop ${name}`),
          ].join("\n"),
        )
        .join("\n"),
    },
    async (b) => {
      await b.exchange();
      const at = async (callback: string, name: string) => await b.logged(`${callback}.${name}`);
      for (const name of [
        "request",
        "response",
        "source",
        "destination",
        "connection",
        "upstream",
        "filter_state",
      ]) {
        expect([name, await at("configure", name), await at("request_headers", name)]).toEqual([
          name,
          "1",
          "3",
        ]);
      }
      expect(await at("configure", "xds")).toBe("3");
      expect(await at("request_headers", "xds")).toBe("3");
      expect(await at("configure", "metadata")).toBe("1");
    },
  );

  behaviour(
    "a dot does not separate: one segment with dots is one name",
    reading("request_headers", { dotted: "request.path", half: "request headers.x-a" }),
    async (b) => {
      await b.exchange({ headers: [["x-a", "1"]] });
      await expectLogged(b, { dotted: "1", half: "1" });
    },
  );

  behaviour(
    "xds.filter_chain_name is the chain's own, empty without one",
    reading("request_headers", { name: "xds filter_chain_name" }),
    async (b) => {
      await b.exchange();
      expect(await b.logged("name")).toBe("0");
    },
  );

  behaviour(
    "xds.filter_chain_name of a chain with a name",
    { ...reading("request_headers", { name: "xds filter_chain_name" }), filterChain: { name: "chain-1" } },
    async (b) => {
      await b.exchange();
      expect(await b.logged("name")).toBe("0 chain-1");
    },
  );

  for (const [direction, number] of [
    ["UNSPECIFIED", 0],
    ["OUTBOUND", 2],
  ] as const)
    behaviour(
      `xds.listener_direction of an ${direction} listener is ${number}`,
      {
        script: "on request_headers\n direction = prop-int xds listener_direction",
        listener: { traffic_direction: direction },
      },
      async (b) => {
        await b.exchange();
        expect(await b.logged("direction")).toBe(`0 ${number}`);
      },
    );
});
