import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as build from "../../support/bootstrap";
import { describeEngines } from "../../support/describe-engines";
import { loadEngine } from "../../support/engines";
import { moduleFile } from "../support/module-file";

const metadata = { name: "p", namespace: "ns" };

/** A configuration a filter does not understand keeps the proxy from starting, and the log names the field. */
const REFUSED: [filter: string, rootId: string, configuration: unknown, why: string][] = [
  [
    "authz",
    "authz",
    { policies: [{ metadata, spec: { rules: [{ from: [{ source: { principal: ["*"] } }] }] } }] },
    "policies[0].spec.rules[0].from[0].source.principal: unknown or unsupported field (known: principals, requestPrincipals, ",
  ],
  [
    "fault",
    "fault",
    { http: [{ fault: { delay: { fixedDelay: "0" } } }] },
    "http[0].fault.delay.fixedDelay: expected a duration of at least 1ms, such as 0.5s",
  ],
  ["metrics", "metrics", { reporter: "me" }, 'reporter: expected "destination" or "source"'],
  ["metrics", "", undefined, "the configuration is empty"],
];

describeEngines("refused configurations", (engine) => {
  test.each(REFUSED)("%s %s", async (filter, rootId, configuration, why) => {
    const plugin = build.wasmFilter({
      name: filter,
      wasm: await moduleFile(`filters/${filter}`),
      rootId,
      ...(configuration !== undefined && { configuration: JSON.stringify(configuration) }),
    });
    const bootstrap = build.bootstrap({
      listeners: [
        build.httpListener({
          name: "l",
          filters: [plugin],
          routes: [{ match: { prefix: "/" }, direct_response: { status: 200 } }],
        }),
      ],
      clusters: [],
    });
    const folder = await mkdtemp(join(tmpdir(), "proxy-wasm-filters-"));
    const log: string[] = [];
    try {
      const configPath = join(folder, "envoy.json");
      await writeFile(configPath, JSON.stringify(bootstrap));
      const proxy = await loadEngine(engine.name);
      await expect(proxy.start({ configPath, writeLog: (line) => log.push(line) })).rejects.toThrow();
    } finally {
      await rm(folder, { recursive: true });
    }
    expect(log.join("")).toContain(`configuration refused: ${why}`);
  });

  test("a configuration written as a Struct is read like the same JSON text", async () => {
    const value = { http: [{ fault: { abort: { percentage: { value: 100 }, httpStatus: 418 } } }] };
    const proxy = await engine.start(
      build.bootstrap({
        listeners: [
          build.httpListener({
            name: "l",
            filters: [
              build.wasmFilter({
                name: "fault",
                wasm: await moduleFile("filters/fault"),
                rootId: "fault",
                configuration: { "@type": "type.googleapis.com/google.protobuf.Struct", value },
              }),
            ],
            routes: [{ match: { prefix: "/" }, direct_response: { status: 200 } }],
          }),
        ],
        clusters: [],
      }),
    );
    expect((await fetch(proxy.url())).status).toBe(418);
  });
});
