import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyConfig, anyRequest } from "./support/anything";
import { moduleSize, rawHeaders, refusals, withFilter } from "./support/filter";

const token_bucket = { max_tokens: 2, fill_interval: "1s" };
const good = { stat_prefix: "p", token_bucket };

describe("ratelimit: what a configuration refuses", () => {
  const action = (value: unknown) => ({ ...good, rate_limits: [{ actions: [value] }] });
  test.each<[unknown, string]>([
    ["", "the configuration is empty"],
    [{ token_bucket }, "stat_prefix: expected a string"],
    [{ stat_prefix: "p" }, "needs token_bucket or descriptors"],
    [{ ...good, stage: 1 }, "stage: unknown or unsupported field"],
    [{ ...good, status: { code: 99 } }, "status.code: expected a whole number from 100 to 599"],
    [{ ...good, token_bucket: { fill_interval: "1s" } }, "token_bucket.max_tokens: expected a whole number"],
    [
      { ...good, token_bucket: { max_tokens: 1, fill_interval: "0.049s" } },
      "token_bucket.fill_interval: expected a duration of at least 50ms, such as 1s",
    ],
    [{ ...good, filter_enabled: {} }, "filter_enabled.default_value: expected an object"],
    [
      { ...good, filter_enforced: { default_value: { denominator: "TEN" } } },
      "filter_enforced.default_value.denominator: expected HUNDRED, TEN_THOUSAND or MILLION",
    ],
    [
      { ...good, enable_x_ratelimit_headers: "ON" },
      "enable_x_ratelimit_headers: expected OFF or DRAFT_VERSION_03",
    ],
    [
      { ...good, response_headers_to_add: [{ header: { key: "a", value: "%START_TIME%" } }] },
      "response_headers_to_add[0].header.value: commands such as %START_TIME% are not supported",
    ],
    [
      { ...good, descriptors: [{ entries: [{ key: "k" }], token_bucket }] },
      "descriptors[0].entries[0].value: a bucket for every value that comes is not supported: name the values",
    ],
    [
      { ...good, descriptors: [{ entries: [], token_bucket }] },
      "descriptors[0].entries: needs at least one entry",
    ],
    [
      { ...good, descriptors: [{ entries: [{ key: "k", value: "v" }] }] },
      "descriptors[0].token_bucket: missing",
    ],
    [
      { ...good, descriptors: Array(2).fill({ entries: [{ key: "k", value: "v" }], token_bucket }) },
      "descriptors[1]: a second descriptor with these entries",
    ],
    [action({}), "rate_limits[0].actions[0]: give exactly one of request_headers, remote_address"],
    [
      action({ source_cluster: {} }),
      "rate_limits[0].actions[0].source_cluster: unknown or unsupported field",
    ],
    [action({ request_headers: { descriptor_key: "k" } }), "request_headers.header_name: expected a string"],
    [action({ generic_key: { descriptor_value: "" } }), "generic_key.descriptor_value: must not be empty"],
    [
      action({
        header_value_match: {
          descriptor_value: "v",
          headers: [{ name: "a", string_match: { safe_regex: { regex: "(" } } }],
        },
      }),
      "header_value_match.headers[0].string_match.safe_regex.regex: missing )",
    ],
  ])("%j", async (config, why) => {
    const refusal = await refusals("ratelimit");
    expect(await refusal(config)).toContain(why);
  });
});

describe("ratelimit: tokens and time", () => {
  const taken = async (config: object, steps: number[]) => {
    const host = await withFilter("ratelimit", { stat_prefix: "p", ...config });
    return steps.map((ms) => {
      host.advance(ms);
      const exchange = host.request();
      if (!exchange.over) exchange.respond();
      return exchange.response.status;
    });
  };

  test("the refill is continuous: half an interval gives half the tokens", async () => {
    const token_bucket = { max_tokens: 2, tokens_per_fill: 2, fill_interval: "1s" };
    expect(await taken({ token_bucket }, [0, 0, 0, 499, 2, 0])).toEqual([200, 200, 429, 429, 200, 429]);
  });

  test("never more than the bucket holds", async () => {
    expect(await taken({ token_bucket }, [1e6, 0, 0])).toEqual([200, 200, 429]);
  });

  test("x-ratelimit-reset says when there is a token again", async () => {
    const config = { ...good, enable_x_ratelimit_headers: "DRAFT_VERSION_03" };
    const host = await withFilter("ratelimit", config);
    const reset = () => {
      const exchange = host.request();
      if (!exchange.over) exchange.respond();
      const { headers } = exchange.response;
      return ["limit", "remaining", "reset"].map((name) => headers!.get(`x-ratelimit-${name}`));
    };
    expect([reset(), reset(), reset()]).toEqual([
      ["2", "1", "0"],
      ["2", "0", "1"],
      ["2", "0", "1"],
    ]);
  });
});

describe("ratelimit: no trap", () => {
  test("whatever the configuration", async () => {
    const refusal = await refusals("ratelimit");
    const keys =
      "stat_prefix token_bucket max_tokens fill_interval descriptors entries key value rate_limits actions request_headers header_name descriptor_key generic_key descriptor_value header_value_match headers name string_match safe_regex regex".split(
        " ",
      );
    await fc.assert(
      fc.asyncProperty(anyConfig(keys, ["1s", "p", "(a|b)*"]), async (config) => {
        expect((await refusal(config)) ?? "configuration refused: .").toMatch(/^configuration refused: ./);
      }),
      { numRuns: 1000 },
    );
  });

  test("whatever the request", async () => {
    const entries = [{ key: "role", value: "admin" }];
    const config = {
      ...good,
      descriptors: [{ entries, token_bucket }],
      rate_limits: [
        { actions: [{ request_headers: { header_name: "x-role", descriptor_key: "role" } }] },
        { actions: [{ remote_address: {} }] },
        {
          actions: [
            {
              header_value_match: {
                descriptor_value: "v",
                headers: [{ name: "x-a", string_match: { safe_regex: { regex: "(a|b)*" } } }],
              },
            },
          ],
        },
      ],
      enable_x_ratelimit_headers: "DRAFT_VERSION_03",
    };
    const host = await withFilter("ratelimit", config, { trace: false });
    fc.assert(
      fc.property(anyRequest, fc.string({ unit: "binary", maxLength: 20 }), (headers, remoteAddress) => {
        host.advance(100);
        const exchange = host.request({ rawHeaders: rawHeaders(headers), connection: { remoteAddress } });
        if (!exchange.over) exchange.respond();
      }),
      { numRuns: 2000 },
    );
  });

  test("the module stays under 64 KiB", () => {
    expect(moduleSize("ratelimit")).toBeLessThan(65_536);
  });
});
