import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { CertificateAuthority, type Issued } from "../../../host/certs/authority";
import { RawClient } from "../../support/raw-client";
import { downstreamTls, tlsConnect, trustedCa } from "../../support/tls";
import { anyProbe, anySpec, source, when } from "../support/any-policy";
import { type AuthorizationPolicy, type PolicySpec, rbacFilters } from "../support/native-rbac";
import { type Probe, type Seen, seen } from "../support/subjects";
import { type Case, ThreeSubjects } from "../support/three-subjects";

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const GENERATED = 24;
const TRUST_DOMAINS = ["cluster.local", "old.example"];

/** Who a client is: names in its certificate; none at all is a client without one. */
const WHO: Record<string, { uris?: string[]; dns?: string[]; subject?: string } | undefined> = {
  nobody: undefined,
  cart: { uris: ["spiffe://cluster.local/ns/shop/sa/cart"], dns: ["cart.example"], subject: "cart" },
  old: { uris: ["spiffe://old.example/ns/shop/sa/cart"] },
  other: { uris: ["spiffe://other.example/ns/default/sa/cart"] },
  deep: { uris: ["spiffe://td.example/x/ns/shop/v/1/sa/cart/more"] },
  default: { uris: ["spiffe://cluster.local/ns/default/sa/pay"], dns: ["a.example"] },
  named: { dns: ["a.example"], subject: "a" },
  subject: { subject: "shop" },
};

interface Caller extends Probe {
  who: string;
  sni?: string;
}

const WRITTEN: Record<string, PolicySpec[]> = {
  "a principal, by every trust domain of the mesh": [
    { rules: [source({ principals: ["cluster.local/ns/shop/sa/cart"] })] },
  ],
  "an alias stands for the mesh": [{ rules: [source({ principals: ["old.example/ns/shop/sa/cart"] })] }],
  "any principal": [{ rules: [source({ principals: ["*"] })] }],
  "no principal": [{ action: "DENY", rules: [source({ notPrincipals: ["*"] })] }],
  "principals by ends": [
    { rules: [source({ principals: ["*/sa/pay"] }), source({ principals: ["td.example/x/*"] })] },
  ],
  namespaces: [{ rules: [source({ namespaces: ["shop"] })] }],
  "namespaces with stars": [{ rules: [source({ namespaces: ["*o*"] })] }],
  "other namespaces": [{ action: "DENY", rules: [source({ notNamespaces: ["shop", "def*"] })] }],
  "service accounts": [{ rules: [source({ serviceAccounts: ["default/pay", "cart"] })] }],
  "trust domains": [{ rules: [source({ trustDomains: ["cluster.local"] })] }],
  "trust domains with stars": [{ rules: [source({ trustDomains: ["*.ex*le"], notTrustDomains: ["td.*"] })] }],
  "any trust domain": [{ action: "DENY", rules: [source({ trustDomains: ["*"] })] }],
  conditions: [
    {
      rules: [
        when("source.principal", ["*/ns/shop/sa/cart"], ["old.example/*"]),
        when("source.namespace", ["default"]),
        when("source.serviceAccount", ["shop/cart"]),
        when("source.trustDomain", undefined, ["cluster.local", "*.example"]),
      ],
    },
  ],
  "server names": [{ rules: [when("connection.sni", ["a.example", "*.b.example"])] }],
  "any server name": [{ action: "DENY", rules: [when("connection.sni", ["*"])] }],
};

function policies(specs: readonly PolicySpec[]): AuthorizationPolicy[] {
  return specs.map((spec, i) => ({ metadata: { name: `p${i}`, namespace: "shop" }, spec }));
}

function asCase([name, specs]: [string, readonly PolicySpec[]]): Case {
  const list = policies(specs);
  return {
    name,
    ours: { policies: list, trustDomainAliases: TRUST_DOMAINS.slice(1) },
    native: rbacFilters(list, { trustDomains: TRUST_DOMAINS }),
  };
}

const CASES: Case[] = [
  ...Object.entries(WRITTEN),
  ...fc
    .sample(fc.array(anySpec({ identities: true }), { minLength: 1, maxLength: 3 }), {
      seed,
      numRuns: GENERATED,
    })
    .map((specs, i): [string, PolicySpec[]] => [`generated ${i}`, specs]),
].map(asCase);

const CALLERS: Caller[] = [
  ...Object.keys(WHO).map((who) => ({ who })),
  ...fc
    .sample(
      fc.tuple(anyProbe, fc.constantFrom(...Object.keys(WHO)), fc.constantFrom("a.example", "x.b.example")),
      { seed: seed + 1, numRuns: 30 },
    )
    .map(([{ from: _, ...request }, who, sni]) => ({ ...request, who, sni })),
];

describe.skipIf(!inject("envoy"))(`authz knows clients by their certificates (seed ${seed})`, () => {
  const identities = new Map<string, Issued>();
  let twoNames: Issued;
  let subjects: ThreeSubjects;

  /** Each request on a connection of its own. */
  async function ask(port: number, callers: readonly Caller[]): Promise<Seen[]> {
    const answers: Seen[] = [];
    for (const { who, sni, ...request } of callers) {
      const identity = who === "two names" ? twoNames : identities.get(who);
      const client = RawClient.over(
        await tlsConnect(port, { ...(identity && { identity }), ...(sni && { servername: sni }) }),
      );
      answers.push(seen(await client.exchange(request)));
      client.close();
    }
    return answers;
  }

  beforeAll(async () => {
    const ca = await CertificateAuthority.create();
    const server = await ca.issue({ dns: ["localhost"] });
    for (const [who, names] of Object.entries(WHO)) {
      if (!names) continue;
      const { subject, ...rest } = names;
      identities.set(who, await ca.issue({ ...rest, ...(subject && { subject: [{ CN: [subject] }] }) }));
    }
    twoNames = await ca.issue({
      uris: ["spiffe://cluster.local/ns/shop/sa/cart", "spiffe://cluster.local/ns/default/sa/pay"],
    });
    subjects = new ThreeSubjects(CASES, undefined, {
      filterChain: downstreamTls(server, { validation_context: trustedCa(ca) }),
    });
    await subjects.start();
  }, 120_000);
  afterAll(() => subjects?.stop());

  test.each(CASES.map(({ name }, at) => [name, at] as const))(
    "%s",
    async (_, at) => {
      await subjects.compare(at, CALLERS, ask);
    },
    60_000,
  );

  test("of two URI names modules see the first only", async () => {
    const at = Object.keys(WRITTEN).indexOf("service accounts");
    const second = Object.keys(WRITTEN).indexOf("principals by ends");
    await subjects.compare(at, [{ who: "two names" }], ask);
    const statuses = async (subject: "native" | "wasm" | "node") =>
      (await subjects.ask(subject, second, [{ who: "two names" }], ask))[0]!.status;
    expect(await statuses("native")).toBe(200);
    expect(await statuses("wasm")).toBe(403);
    expect(await statuses("node")).toBe(403);
  });

  test("the traffic above was of both kinds", () => {
    console.log(
      `identities: ${CASES.length} policy sets, ${subjects.denied} denied, ${subjects.passed} passed`,
    );
    expect(subjects.denied).toBeGreaterThan(100);
    expect(subjects.passed).toBeGreaterThan(100);
  });
});
