import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const SELF = "proxy-wasm-toolkit";

/**
 * Which rooms of the house a room may import from, besides itself, and which npm packages. A room is a folder, or a
 * single file at the top of `host`; the longest name that fits a path is its room. `*` stands for one folder name.
 * Node's own modules are free everywhere on the host.
 */
const LEAVES = ["sdk/abi", "host/errors.ts", "host/engine.ts", "host/log.ts", "host/clock.ts"];
const ROOMS: Readonly<Record<string, { rooms: readonly string[]; packages?: readonly string[] }>> = {
  // guest side, AssemblyScript
  "sdk/abi": { rooms: [] },
  sdk: { rooms: ["sdk/abi"] },
  "filters/*": { rooms: [], packages: [`${SELF}/sdk`] },
  "examples/*": { rooms: [], packages: [`${SELF}/sdk`, SELF] },
  // Its service and client are programs of their own.
  "examples/grpc": { rooms: [], packages: ["@grpc/grpc-js"] },
  // host side, TypeScript: leaves that anyone may use
  "host/errors.ts": { rooms: [] },
  "host/engine.ts": { rooms: LEAVES },
  "host/log.ts": { rooms: LEAVES },
  "host/clock.ts": { rooms: [] },
  // then strictly downward
  "host/abi": { rooms: LEAVES },
  "host/vm": { rooms: [...LEAVES, "host/abi"], packages: ["wasmparser"] },
  "host/stores": { rooms: [...LEAVES, "host/abi", "host/vm"], packages: ["@bufbuild/protobuf"] },
  "host/context": { rooms: [...LEAVES, "host/abi", "host/vm", "host/stores"] },
  "host/stream": { rooms: [...LEAVES, "host/abi", "host/vm", "host/stores", "host/context"] },
  "host/hostcalls": {
    rooms: [...LEAVES, "host/abi", "host/vm", "host/stores", "host/context", "host/stream"],
    packages: ["@bufbuild/protobuf", "@bufbuild/cel"],
  },
  "host/plugin": {
    rooms: [...LEAVES, "host/abi", "host/vm", "host/stores", "host/context", "host/stream", "host/hostcalls"],
  },
  // formats are read where the configuration is checked
  "host/formatter": { rooms: [...LEAVES, "host/stores"] },
  // the configuration's typed model is made of facts that properties show
  "host/config": {
    rooms: [...LEAVES, "host/stores", "host/formatter"],
    packages: ["yaml", "zod", "re2js", "@bufbuild/protobuf"],
  },
  "host/proxy": {
    rooms: [
      ...LEAVES,
      "host/abi",
      "host/vm",
      "host/stores",
      "host/context",
      "host/stream",
      "host/hostcalls",
      "host/plugin",
      "host/config",
      "host/formatter",
    ],
    packages: ["re2js", "xxhash-wasm"],
  },
  "host/envoy": { rooms: [...LEAVES, "host/config"], packages: ["yaml"] },
  // a built module is checked against the tables of the ABI, by the same reader that the VM uses
  "host/build": {
    rooms: ["host/errors.ts", "sdk/abi", "host/abi", "host/vm"],
    packages: ["assemblyscript", "binaryen"],
  },
  // reads modules as the host does before it starts them
  "host/inspect": {
    rooms: [...LEAVES, "host/abi", "host/vm", "host/hostcalls"],
    packages: ["binaryen"],
  },
  // certificates for tests and demos; a proxy only reads what others made
  "host/certs": { rooms: ["host/errors.ts"], packages: ["@peculiar/x509", "reflect-metadata"] },
  "host/testing": {
    rooms: [
      ...LEAVES,
      "host/abi",
      "host/vm",
      "host/stores",
      "host/context",
      "host/stream",
      "host/hostcalls",
      "host/plugin",
      "host/config",
      "host/build",
    ],
    packages: ["vitest"],
  },
  "host/testing/scenario": {
    rooms: [...LEAVES, "host/config", "host/testing", "host/proxy", "host/envoy"],
    packages: ["zod"],
  },
  // watches streams from outside; exports and replays them as scenarios do
  "host/inspector": {
    rooms: [
      ...LEAVES,
      "host/stores",
      "host/stream",
      "host/hostcalls",
      "host/config",
      "host/envoy",
      "host/testing/scenario",
    ],
    packages: ["yaml"],
  },
  // runs in a browser
  "host/inspector/page": { rooms: ["host/inspector"], packages: ["preact"] },
  "host/cli": {
    rooms: [
      ...LEAVES,
      "host/inspector",
      "host/config",
      "host/proxy",
      "host/envoy",
      "host/testing/scenario",
      "host/build",
      "host/certs",
      "host/inspect",
      "package.json",
    ],
    packages: ["commander"],
  },
  "host/index.ts": {
    rooms: [...LEAVES, "host/proxy", "host/envoy", "host/config", "host/build", "host/abi"],
  },
};

interface Import {
  file: string;
  specifier: string;
}

/** Static and dynamic imports, re-exports and type imports, of TypeScript and AssemblyScript alike. */
function specifiers(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const forms = [
    /^\s*(?:import|export)\b[^"'`;]*?\bfrom\s*["']([^"']+)["']/gm,
    /^\s*import\s*["']([^"']+)["']/gm,
    /\bimport\(\s*["']([^"']+)["']\s*\)/g,
  ];
  return forms.flatMap((form) => [...code.matchAll(form)].map((match) => match[1]!));
}

/** The room a path of this project lives in; undefined when it is in none of the table. */
function roomOf(path: string): string | undefined {
  const parts = path.split("/");
  for (let n = parts.length; n > 0; n--) {
    const prefix = parts.slice(0, n).join("/");
    if (prefix in ROOMS || prefix === "package.json") return prefix;
    if (n === 2 && `${parts[0]}/*` in ROOMS && parts.length > 2) return prefix;
  }
  return undefined;
}

function rulesOf(room: string) {
  return ROOMS[room] ?? ROOMS[`${room.slice(0, room.indexOf("/"))}/*`];
}

/** A relative import as a path of this project, extension included. */
function target(file: string, specifier: string): string {
  const path = join(dirname(file), specifier);
  const candidates = [path, `${path}.ts`, join(path, "index.ts")];
  return candidates.find((c) => /\.\w+$/.test(c) && existsSync(join(root, c))) ?? path;
}

/** What is wrong with an import; undefined when nothing is. */
function complaint({ file, specifier }: Import): string | undefined {
  const room = roomOf(file);
  if (room === undefined) return `${file} is in no room of the table`;
  const rules = rulesOf(room)!;
  const say = (what: string) => `${file}: "${specifier}" ${what}`;
  if (specifier.startsWith("node:"))
    return room.startsWith("sdk") || room.startsWith("filters") ? say("is not for guests") : undefined;
  if (!specifier.startsWith(".")) {
    const allowed = rules.packages ?? [];
    return allowed.some((p) => specifier === p || specifier.startsWith(`${p}/`))
      ? undefined
      : say(`is not a package that ${room} may use`);
  }
  const to = target(file, specifier);
  if (to === join(dirname(file), "index.ts")) return say("is its own folder's index.ts");
  const toRoom = roomOf(to);
  if (toRoom === room || (toRoom !== undefined && rules.rooms.includes(toRoom))) return undefined;
  return say(`points from ${room} to ${toRoom ?? to}`);
}

const files = globSync("{sdk,filters,examples,host}/**/*.{ts,mjs}", { cwd: root })
  .filter((f) => !f.endsWith(".test.ts") && !f.endsWith(".d.ts"))
  .sort();

describe("layers", () => {
  it("imports point the way ARCHITECTURE says", () => {
    const complaints = files.flatMap((file) =>
      specifiers(readFileSync(join(root, file), "utf8"))
        .map((specifier) => complaint({ file, specifier }))
        .filter((c) => c !== undefined),
    );
    expect(complaints).toEqual([]);
  });

  it("reads every form of import", () => {
    const source = `
      import a from "./a";
      import type { B, C } from './b';
      import {
        d,
      } from "./d";
      export * from "./e";
      export { f } from "./f";
      import "./g";
      const h = await import("./h");
      // import "./no";
      /* import "./no"; */
      const text = \`import "./no"\`;`;
    expect(specifiers(source).sort()).toEqual(["./a", "./b", "./d", "./e", "./f", "./g", "./h"]);
  });

  it.each([
    ["host/vm/vm.ts", "../stores/stats"],
    ["host/config/model/index.ts", "../../proxy/index"],
    ["host/proxy/proxy.ts", "../cli/main"],
    ["host/proxy/proxy.ts", "../build/index"],
    ["host/proxy/proxy.ts", "./index"],
    ["host/proxy/proxy.ts", "."],
    ["host/plugin/plugin-config.ts", "../../sdk/index"],
    ["host/plugin/plugin-config.ts", "../../filters/fault/index"],
    ["host/plugin/plugin-config.ts", "../../test/support/run"],
    ["host/plugin/plugin-config.ts", "commander"],
    ["sdk/abi/status.ts", "../index"],
    ["sdk/env.ts", "../host/log"],
    ["sdk/env.ts", "node:fs"],
    ["filters/fault/index.ts", "../authz/index"],
    ["filters/fault/index.ts", "../../sdk/index"],
    ["examples/hello/index.ts", "../../sdk/index"],
  ])("refuses %s importing %s", (file, specifier) => {
    expect(complaint({ file, specifier })).toBeTypeOf("string");
  });

  it("has a row for every folder of the house", () => {
    expect(files.length).toBeGreaterThan(50);
    expect(files.filter((f) => roomOf(f) === undefined)).toEqual([]);
  });
});
