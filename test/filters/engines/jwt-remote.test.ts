import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { EngineName } from "../../../host/engine";
import * as build from "../../support/bootstrap";
import { EngineUnderTest } from "../../support/describe-engines";
import { RawUpstream, type UpstreamReply } from "../../support/raw-upstream";
import { jwks, newKey, token } from "../support/jwt";
import { moduleFile } from "../support/module-file";
import { type JwtRule, jwtFilter } from "../support/native-jwt";
import { type Probe, probe, type Seen } from "../support/subjects";

const ISSUER = "https://issuer.example";
const first = newKey("RSA", { kid: "1" });
const second = newKey("RSA", { kid: "2" });
const good = token(first, { iss: ISSUER, sub: "alice" }, { kid: "1" });
const rotated = token(second, { iss: ISSUER, sub: "bob" }, { kid: "2" });

const SUBJECTS = ["native", "envoy", "node"] as const;
type Subject = (typeof SUBJECTS)[number];

/** What the server of keys answers to each subject, by the path it asks for; undefined = it never does. */
type Answers = Record<string, UpstreamReply | undefined>;

describe.skipIf(!inject("envoy"))("authz fetches keys as Envoy's JWT filter", () => {
  const engines: Record<EngineName, EngineUnderTest> = {
    node: new EngineUnderTest("node"),
    envoy: new EngineUnderTest("envoy"),
  };
  let app: RawUpstream;
  let issuer: RawUpstream;
  const answers: Answers = {};
  const ports = {} as Record<Subject, (scene: string) => number>;

  /** Scenes that do not meddle with each other: each has rules and keys of its own. */
  const SCENES: Record<string, Partial<JwtRule> & { seconds?: number }> = {
    good: {},
    expiry: { seconds: 1 },
    rotation: {},
    error: {},
    garbage: {},
    empty: {},
    slow: { timeout: "0.1s" },
    down: { jwksCluster: "down" },
    burst: {},
    held: {},
  };

  const rule = (scene: string, subject: Subject): JwtRule => {
    const { seconds = 300, ...more } = SCENES[scene]!;
    return {
      issuer: ISSUER,
      jwksUri: `http://issuer.example:81/${scene}/${subject}?q`,
      jwksCluster: "issuer",
      jwksCacheDuration: `${seconds}s`,
      outputClaimToHeaders: [{ header: "x-sub", claim: "sub" }],
      ...more,
    };
  };

  function listener(scene: string, subject: Subject, filter: build.Json, details: string): build.Json {
    return build.httpListener({
      name: `${scene}-${subject}`,
      filters: [
        build.wasmFilter({ name: "details", wasm: details, rootId: "details", vmId: "details" }),
        filter,
      ],
      routes: [{ match: { prefix: "/" }, route: { cluster: "app" } }],
    });
  }

  beforeAll(async () => {
    app = await RawUpstream.start();
    issuer = await RawUpstream.start(async (request, reply) => {
      const answer = answers[request.path.split("?")[0]!];
      if (answer !== undefined) reply.send(answer);
    });
    const closed = await RawUpstream.start();
    const down = closed.port;
    await closed.close();
    const [wasm, details] = await Promise.all([
      moduleFile("filters/authz"),
      moduleFile("test/filters/guests/details"),
    ]);
    const clusters = [
      build.cluster("app", app.port),
      build.cluster("issuer", issuer.port),
      build.cluster("down", down),
    ];
    const ours = (scene: string, subject: Subject) => {
      const configuration = JSON.stringify({ jwtRules: [rule(scene, subject)] });
      // With it a held head goes on with the body, unless the filter holds that too.
      const plugin = { allow_on_headers_stop_iteration: scene === "held" };
      const filter = build.wasmFilter({
        name: "authz",
        wasm,
        rootId: "authz",
        vmId: "authz",
        configuration,
        plugin,
      });
      return listener(scene, subject, filter, details);
    };
    const scenes = Object.keys(SCENES);
    const node = await engines.node.start(
      build.bootstrap({ listeners: scenes.map((scene) => ours(scene, "node")), clusters }),
    );
    const envoy = await engines.envoy.start(
      build.bootstrap({
        listeners: scenes.flatMap((scene) => [
          ours(scene, "envoy"),
          listener(scene, "native", jwtFilter([rule(scene, "native")]), details),
        ]),
        clusters,
      }),
    );
    ports.node = (scene) => node.port(`${scene}-node`);
    ports.envoy = (scene) => envoy.port(`${scene}-envoy`);
    ports.native = (scene) => envoy.port(`${scene}-native`);
  }, 120_000);
  afterAll(async () => {
    await Promise.all(Object.values(engines).map((engine) => engine.cleanUp()));
    await app.close();
    await issuer.close();
  });

  function serve(scene: string, answer: UpstreamReply | undefined): void {
    for (const subject of SUBJECTS) answers[`/${scene}/${subject}`] = answer;
  }

  /** What each subject's client sees, and how often it asked for keys. */
  async function ask(scene: string, text: string, method = "GET"): Promise<Record<Subject, [Seen, number]>> {
    const seen = {} as Record<Subject, [Seen, number]>;
    for (const subject of SUBJECTS) {
      const request: Probe = { method, headers: [["Authorization", `Bearer ${text}`]] };
      if (method === "POST") request.body = "a body";
      const calls = callsOf(scene, subject).length;
      const [answer] = await probe(ports[subject](scene), [request]);
      seen[subject] = [answer!, callsOf(scene, subject).length - calls];
    }
    return seen;
  }

  function callsOf(scene: string, subject: Subject) {
    return issuer.requests.filter(({ path }) => path.startsWith(`/${scene}/${subject}?`));
  }

  function expectSame(
    seen: Record<Subject, [Seen, number]>,
    status: number,
    body: string,
    calls: number,
  ): void {
    expect([seen.native[0].status, seen.native[0].body, seen.native[1]]).toEqual([status, body, calls]);
    expect(seen.envoy).toEqual(seen.native);
    expect(seen.node).toEqual(seen.native);
  }

  test("once, as long as they are good", async () => {
    serve("good", { body: jwks(first) });
    expectSame(await ask("good", good), 200, "ok", 1);
    expectSame(await ask("good", good, "POST"), 200, "ok", 0);
    expect(app.requests.at(-1)!.all("x-sub")).toEqual(["alice"]);
    for (const subject of SUBJECTS) {
      const [call] = callsOf("good", subject);
      expect([subject, call!.startLine, call!.header("host")]).toEqual([
        subject,
        `GET /good/${subject}?q HTTP/1.1`,
        "issuer.example:81",
      ]);
    }
  });

  test("not for tokens that are bad anyway", async () => {
    serve("good", { body: jwks(first) });
    expectSame(await ask("good", "a.b.c"), 401, "Jwt header is an invalid Base64url encoded", 0);
  });

  test("and a body that comes meanwhile waits too", async () => {
    serve("held", { status: 500 });
    expectSame(await ask("held", good, "POST"), 401, "Jwks remote fetch is failed", 1);
  });

  test("again when they are too old", async () => {
    serve("expiry", { body: jwks(first) });
    expectSame(await ask("expiry", good), 200, "ok", 1);
    serve("expiry", { body: jwks(second) });
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expectSame(await ask("expiry", rotated), 200, "ok", 1);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    serve("expiry", { status: 500 });
    expectSame(await ask("expiry", rotated), 401, "Jwks remote fetch is failed", 1);
  });

  test("for a key id that is not known yet, which Envoy's own filter does not", async () => {
    serve("rotation", { body: jwks(first) });
    expectSame(await ask("rotation", good, "POST"), 200, "ok", 1);
    await new Promise((resolve) => setTimeout(resolve, 150));
    serve("rotation", { body: jwks(first, second) });
    const { native, envoy, node } = await ask("rotation", rotated, "POST");
    expect([native[0].status, native[0].body, native[1]]).toEqual([
      401,
      "Jwks doesn't have key to match kid or alg from Jwt",
      0,
    ]);
    expect([envoy[0].status, envoy[0].body, envoy[1]]).toEqual([200, "ok", 1]);
    expect(node).toEqual(envoy);
    expect(app.requests.at(-1)!.all("x-sub")).toEqual(["bob"]);
  });

  test.each<[string, UpstreamReply | undefined]>([
    ["error", { status: 500, body: jwks(first) }],
    ["garbage", { body: "<html>" }],
    ["empty", { body: '{"keys":[]}' }],
    ["slow", undefined],
  ])("in vain: %s", async (scene, answer) => {
    serve(scene, answer);
    expectSame(await ask(scene, good), 401, "Jwks remote fetch is failed", 1);
    await new Promise((resolve) => setTimeout(resolve, 150));
    serve(scene, { body: jwks(first) });
    expectSame(await ask(scene, good), 200, "ok", 1);
  });

  test("in vain: nobody listens", async () => {
    expectSame(await ask("down", good), 401, "Jwks remote fetch is failed", 0);
  });

  test("once for all who wait, where Envoy's own filter asks for each", async () => {
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const served = issuer.handler;
    issuer.handler = async (_, reply) => {
      await released;
      reply.send({ body: jwks(first) });
    };
    const counts = {} as Record<Subject, number>;
    const pending: Promise<Seen[]>[] = [];
    for (const subject of SUBJECTS) {
      const request: Probe = { headers: [["Authorization", `Bearer ${good}`]] };
      const answers = Array.from({ length: 5 }, () => probe(ports[subject]("burst"), [request]));
      while (callsOf("burst", subject).length < (subject === "native" ? 5 : 1)) {
        await issuer.request(issuer.requests.length);
      }
      if (subject === "node") release();
      pending.push(...answers);
    }
    for (const [answer] of await Promise.all(pending)) expect(answer!.status).toBe(200);
    for (const subject of SUBJECTS) counts[subject] = callsOf("burst", subject).length;
    issuer.handler = served;
    expect(counts).toEqual({ native: 5, envoy: 1, node: 1 });
  });
});
