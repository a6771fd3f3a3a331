import { describe, expect, test } from "vitest";
import { refusals, withFilter } from "./support/filter";

const metadata = { name: "p", namespace: "ns" };

describe("authz: which rule is named", () => {
  const deny = (name: string, ...rules: unknown[]) => ({
    metadata: { name, namespace: "ns" },
    spec: { action: "DENY", rules },
  });
  async function denial(...list: unknown[]): Promise<string | undefined> {
    const host = await withFilter("authz", { policies: list });
    const exchange = host.request();
    if (!exchange.over) exchange.respond();
    return exchange.details;
  }
  const never = { to: [{ operation: { methods: ["NONE"] } }] };

  test("DENY comes first, then ALLOW; the order is that of the ids", async () => {
    const allow = { metadata: { name: "a", namespace: "ns" }, spec: { rules: [{}] } };
    expect(await denial()).toBeUndefined();
    expect(await denial(allow)).toBeUndefined();
    expect(await denial(allow, deny("d", never))).toBeUndefined();
    expect(await denial(allow, deny("d", {}))).toBe(
      "rbac_access_denied_matched_policy[ns[ns]-policy[d]-rule[0]]",
    );
    expect(await denial(deny("z", {}), deny("d", never, {}))).toBe(
      "rbac_access_denied_matched_policy[ns[ns]-policy[d]-rule[1]]",
    );
    expect(
      await denial(deny("d", ...Array.from({ length: 11 }, (_, i) => (i === 2 || i === 10 ? {} : never)))),
    ).toBe("rbac_access_denied_matched_policy[ns[ns]-policy[d]-rule[10]]");
    expect(await denial({ metadata })).toBe("rbac_access_denied_matched_policy[none]");
    expect(await denial({ metadata, spec: {} })).toBe("rbac_access_denied_matched_policy[none]");
    expect(await denial({ metadata, spec: { rules: [never] } })).toBe(
      "rbac_access_denied_matched_policy[none]",
    );
  });
});

describe("authz: selectors", () => {
  const node = { metadata: { LABELS: { app: "cart", "app.kubernetes.io/name": "shop" } } };
  const answer = async (matchLabels: Record<string, string> | undefined) => {
    const spec = { ...(matchLabels && { selector: { matchLabels } }), rules: [] };
    const host = await withFilter("authz", { policies: [{ metadata, spec }] }, { node });
    const exchange = host.request();
    if (!exchange.over) exchange.respond();
    return exchange.details;
  };

  test("a policy is for the proxies its labels choose", async () => {
    const denied = "rbac_access_denied_matched_policy[none]";
    expect(await answer(undefined)).toBe(denied);
    expect(await answer({})).toBe(denied);
    expect(await answer({ app: "cart" })).toBe(denied);
    expect(await answer({ app: "cart", "app.kubernetes.io/name": "shop" })).toBe(denied);
    expect(await answer({ app: "cart", "app.kubernetes.io/name": "other" })).toBeUndefined();
    expect(await answer({ tier: "cart" })).toBeUndefined();
  });
});

describe("authz: CUSTOM", () => {
  const rule = { to: [{ operation: { paths: ["/ask"] } }] };
  const policy = (name: string) => ({
    metadata,
    spec: { action: "CUSTOM", provider: { name }, rules: [rule] },
  });
  const them = { name: "them", envoyExtAuthzHttp: { service: "authz", port: 8000 } };

  test("rules of a provider nobody knows deny", async () => {
    const host = await withFilter("authz", { policies: [policy("nobody")], extensionProviders: [them] });
    expect(host.request({ path: "/ask" }).details).toBe(
      "rbac_access_denied_matched_policy[ns[ns]-policy[p]-rule[0]-deny-due-to-bad-CUSTOM-action]",
    );
    const free = host.request({ path: "/free" });
    expect(free.state).toBe("forwarded");
    free.respond();
    expect(host.logs("no provider nobody")).not.toHaveLength(0);
  });

  test("a provider is asked at its service's cluster; a client that leaves meanwhile is forgotten", async () => {
    const host = await withFilter("authz", { policies: [policy("them")], extensionProviders: [them] });
    host.mockCluster("outbound|8000||authz", { status: 200, afterMs: 50 });
    host.request({ path: "/ask" }).disconnect();
    const waiting = host.request({ path: "/ask" });
    expect(waiting.state).toBe("held");
    host.advance(100);
    expect(waiting.state).toBe("forwarded");
    waiting.respond();
  });
});

describe("authz: explain", () => {
  const rules = [
    {
      from: [{ source: { ipBlocks: ["10.0.0.0/8"], principals: ["*"] } }],
      to: [{ operation: { methods: ["GET"], paths: ["/a"] } }],
    },
    {
      to: [{ operation: { methods: ["GET", "PUT"] } }, { operation: { paths: ["/b"], methods: ["TRACE"] } }],
    },
    { when: [{ key: "request.headers[authorization]", values: ["Basic secret"] }] },
  ];
  const deny = {
    metadata: { name: "d", namespace: "ns" },
    spec: { action: "DENY", rules: [{ to: [{ operation: { paths: ["/secret*"] } }] }] },
  };
  const config = { policies: [{ metadata, spec: { rules } }, deny], explain: { header: "x-why" } };
  const why = async (configuration: object, path: string, headers: Record<string, string> = {}) => {
    const host = await withFilter("authz", configuration);
    const exchange = host.request({ method: "DELETE", path, headers, authority: "a\u00e9" });
    if (!exchange.over) exchange.respond();
    return { host, header: exchange.response.headers?.get("x-why") };
  };

  test("who decided, and what the nearest others would have needed", async () => {
    expect((await why(config, "/secret/x")).header).toBe(
      "ns[ns]-policy[d]-rule[0] matches, to deny. Seen: source.ip 127.0.0.1:50000, source.principal (none), " +
        ":method DELETE, path /secret/x, authorization (none)",
    );
    expect((await why(config, "/a", { authorization: "Basic other" })).header).toBe(
      "no rule to deny matches; ns[ns]-policy[d]-rule[0] would need operation.paths [/secret*]. " +
        "no rule to allow matches; ns[ns]-policy[p]-rule[1] would need operation.methods [GET, PUT]; " +
        "ns[ns]-policy[p]-rule[2] would need request.headers[authorization] values [Basic secret]; " +
        "ns[ns]-policy[p]-rule[0] would need operation.methods [GET] and source.ipBlocks [10.0.0.0/8] and " +
        "source.principals [*]. Seen: source.ip 127.0.0.1:50000, source.principal (none), :method DELETE, path /a, " +
        "authorization ***",
    );
  });

  test("the log has it too, and alone when there is no header", async () => {
    const { host, header } = await why({ ...config, explain: true }, "/a");
    expect(header).toBeUndefined();
    expect(host.logs("would need operation.methods [GET, PUT]")).toHaveLength(1);
    const quiet = await why({ ...config, explain: false }, "/a");
    expect(quiet.host.logs("would need")).toHaveLength(0);
  });

  test("policies on trial, and Envoy's rules by their fields", async () => {
    const any = [{ any: true }];
    const header = { header: { name: "x-role", string_match: { exact: "admin" } } };
    const rbac = {
      shadow_rules: { action: "DENY", policies: { a: { permissions: any, principals: any } } },
      rules: { policies: { b: { permissions: any, principals: [{ not_id: header }, header] } } },
    };
    const { host } = await why({ rbac, explain: true }, "/a\u0007", { "x-role": "a\u00e9" });
    expect(host.logs("Seen")[0]!.message).toBe(
      "on trial: a matches, to deny. b matches, to allow. Seen: x-role a?",
    );
  });

  test.each<[unknown, string]>([
    [5, "explain: expected true or false"],
    [{}, "explain.header: expected a string"],
    [{ header: "a b" }, "explain.header: expected a header's name"],
    [{ header: "" }, "explain.header: must not be empty"],
    [{ headers: "x" }, "explain.headers: unknown or unsupported field"],
  ])("%j is refused", async (explain, refusal) => {
    expect(await (await refusals("authz"))({ policies: [], explain })).toContain(refusal);
  });
});
