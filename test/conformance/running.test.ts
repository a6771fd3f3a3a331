import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { StartError } from "../../host/errors";
import { bootstrap, cluster, httpListener, type Json } from "../support/bootstrap";
import { describeEngines } from "../support/describe-engines";
import { exchange, RawClient } from "../support/raw-client";
import { RawUpstream } from "../support/raw-upstream";

const DIRECT = [{ match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: "up" } } }];

function simple(port = 0): Json {
  return bootstrap({ listeners: [httpListener({ name: "main", routes: DIRECT, port })], clusters: [] });
}

function proxying(upstream: RawUpstream): Json {
  const routes = [{ match: { prefix: "/" }, route: { cluster: "c" } }];
  return bootstrap({
    listeners: [httpListener({ name: "main", routes })],
    clusters: [cluster("c", upstream.port)],
  });
}

describeEngines("Life of the proxy", (engine) => {
  test("started means ready: /ready is 200 LIVE and listeners answer", async () => {
    const proxy = await engine.start(simple());
    expect(await proxy.admin("/ready")).toBe("LIVE\n");
    expect((await exchange(proxy.port())).text).toBe("up");
  });

  test("port 0 is a real port in /listeners?format=json", async () => {
    const proxy = await engine.start(simple());
    const { listener_statuses } = JSON.parse(await proxy.admin("/listeners?format=json"));
    expect(listener_statuses).toEqual([
      { name: "main", local_address: { socket_address: { address: "127.0.0.1", port_value: proxy.port() } } },
    ]);
  });

  test("/listeners as text: name::address", async () => {
    const proxy = await engine.start(simple());
    expect(await proxy.admin("/listeners")).toBe(`main::127.0.0.1:${proxy.port()}\n`);
  });

  test("a port that is taken: StartError, said in one line", async () => {
    const blocker = createServer().listen(0, "127.0.0.1");
    await once(blocker, "listening");
    const { port } = blocker.address() as AddressInfo;
    const error = await engine.start(simple(port)).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    blocker.close();
    expect(error).toBeInstanceOf(StartError);
    expect((error as Error).message).toContain(String(port));
    expect((error as Error).message).not.toContain("\n");
  });

  test("stop lets a request in flight finish, and takes no new connection", async () => {
    const upstream = await RawUpstream.start();
    const gate = Promise.withResolvers<void>();
    upstream.handler = async (_, reply) => {
      await gate.promise;
      reply.send({ body: "late" });
    };
    const proxy = await engine.start(proxying(upstream));
    const port = proxy.port();
    const client = await RawClient.connect(port);
    client.send({});
    await upstream.request();
    const stopped = proxy.running.stop();
    await refusal(port);
    gate.resolve();
    expect((await client.response()).text).toBe("late");
    await stopped;
    expect((await proxy.running.ended).code).toBe(0);
    await upstream.close();
  });

  test("stop waits no longer than it is told to", async () => {
    const upstream = await RawUpstream.start(() => {});
    const proxy = await engine.start(proxying(upstream));
    const client = await RawClient.connect(proxy.port());
    client.send({});
    await upstream.request();
    await proxy.running.stop(50);
    await expect(client.response()).rejects.toThrow(/closed/);
    expect((await proxy.running.ended).code).toBe(0);
    await upstream.close();
  });

  test("kill cuts what is in flight", async () => {
    const upstream = await RawUpstream.start(() => {});
    const proxy = await engine.start(proxying(upstream));
    const client = await RawClient.connect(proxy.port());
    client.send({});
    await upstream.request();
    await proxy.running.kill();
    await expect(client.response()).rejects.toThrow(/closed/);
    await upstream.close();
  });

  test("/quitquitquit ends it, code 0", async () => {
    const proxy = await engine.start(simple());
    await proxy.admin("/quitquitquit", "POST");
    expect((await proxy.running.ended).code).toBe(0);
  });

  test("without an admin block it runs, and has no admin address", async () => {
    const { admin: _, ...rest } = simple();
    const proxy = await engine.start(rest);
    expect(proxy.running.admin).toBeUndefined();
    expect((await exchange(proxy.port())).text).toBe("up");
  });

  test("set overrides one field of the file", async () => {
    const field = "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.stat_prefix";
    const proxy = await engine.start(simple(), { set: [`${field}=renamed`] });
    await exchange(proxy.port());
    expect(await proxy.stat("http.renamed.downstream_rq_total")).toBe(1);
  });

  test("a file that is not there: StartError or ConfigError that names it", async () => {
    await expect(engine.startFile("/nonexistent/envoy.yaml")).rejects.toThrow("/nonexistent/envoy.yaml");
  });
});

/** Resolves once the port refuses connections. */
async function refusal(port: number): Promise<void> {
  for (;;) {
    const client = await RawClient.connect(port).catch(() => undefined);
    if (!client) return;
    client.close();
  }
}
