import { afterAll, beforeAll, expect, test } from "vitest";
import { describeEngines, type ProxyUnderTest } from "../../test/support/describe-engines";
import { exampleYaml } from "../../test/support/example";
import { exchange } from "../../test/support/raw-client";
import { RawUpstream, type UpstreamReply } from "../../test/support/raw-upstream";

const CARD = "4111111111111111";

describeEngines("examples/body-rewrite", (engine) => {
  let upstream: RawUpstream;
  let proxy: ProxyUnderTest;

  beforeAll(async () => {
    upstream = await RawUpstream.start();
    proxy = await engine.start(exampleYaml("body-rewrite", { 8080: upstream.port }));
  });
  afterAll(() => upstream?.close());

  async function through(type: string, reply: UpstreamReply): Promise<string> {
    upstream.handler = (_, writer) => writer.send({ ...reply, headers: [["Content-Type", type]] });
    return (await exchange(proxy.port())).text;
  }

  test("numbers of 16 digits are masked, longer and shorter ones are not", async () => {
    const body = `{"card":"${CARD}","id":${CARD}9,"short":123,"end":${CARD}}`;
    expect(await through("application/json", { body })).toBe(
      `{"card":"****1111","id":${CARD}9,"short":123,"end":****1111}`,
    );
    expect(await through("text/plain", { body: CARD })).toBe("****1111");
    expect(await through("text/plain", { body: "nothing here" })).toBe("nothing here");
    expect(await through("text/plain", { body: "" })).toBe("");
  });

  test("other types and bodies of unknown length pass as they are", async () => {
    expect(await through("application/octet-stream", { body: CARD })).toBe(CARD);
    expect(await through("text/plain", { chunked: ["4111", "111111111111"] })).toBe("4111111111111111");
    const large = CARD.repeat(5000);
    expect(await through("text/plain", { body: large })).toBe(large);
  });
});
