import { cpus, loadavg } from "node:os";
import { ENVOY_VERSION } from "../../host/envoy/index";
import { startApp } from "./app";
import { addedCost, microseconds, ratioOf } from "./cost";
import {
  ALGORITHMS,
  authz,
  buildFilters,
  fault,
  metrics,
  nativeRbac,
  nativeTokens,
  rustHello,
  tokens,
  withToken,
} from "./variants";

/** What the ready-made filters must show; every figure is printed, with the bar it is held against. */

const RUNS = 3;
/** The first filter of a chain costs about a microsecond more than others: all subjects stand there equally often. */
const COPIES = 8;
const wanted = process.argv.slice(2);
const part = (name: string) => wanted.length === 0 || wanted.includes(name);
const verdict = (kept: boolean) => (kept ? "kept" : "MISSED");
const load = () => `load ${loadavg()[0]!.toFixed(1)}`;

console.log(
  `Envoy ${ENVOY_VERSION}, Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? "unknown CPU"}`,
);

await buildFilters();

for (const name of ["chain", "upstream"]) {
  if (!part(name)) continue;
  const forwarded = name === "upstream";
  console.log(
    `\nfault, authz and metrics one after the other, ${forwarded ? "in front of an app" : "answered by Envoy"}: ` +
      "added CPU, us a request (median of 12 rounds)",
  );
  const subjects = [
    { name: "rust", chain: [rustHello()], copies: COPIES },
    { name: "chain", chain: [fault(), authz(10), metrics()], copies: COPIES },
    { name: "fault", chain: [fault()], copies: COPIES },
    { name: "authz", chain: [authz(10)], copies: COPIES },
    { name: "metrics", chain: [metrics()], copies: COPIES },
  ];
  const app = forwarded ? await startApp() : undefined;
  for (let run = 1; run <= RUNS; run++) {
    const added = await addedCost(subjects, undefined, app?.port);
    const ratio = ratioOf(added, "chain", "rust");
    const us = (subject: string) => microseconds(added, subject);
    console.log(
      `  run ${run}: bare request ${us("bare")}, chain ${us("chain")} (alone: fault ${us("fault")}, authz ${us("authz")}, ` +
        `metrics ${us("metrics")}), hello on the Rust SDK ${us("rust")}; ` +
        `chain / Rust ${ratio.toFixed(2)} (at most 4: ${verdict(ratio <= 4)}); ${load()}`,
    );
  }
  app?.close();
}

if (part("rules")) {
  console.log("\nauthz, DENY rules on method and path: added CPU, us a request (median of 12 rounds)");
  const subjects = [
    { name: "ours, 10", chain: [authz(10)], copies: 4 },
    { name: "ours, 1000", chain: [authz(1000)], copies: 4 },
    { name: "native, 10", chain: [nativeRbac(10)], copies: 4 },
    { name: "native, 1000", chain: [nativeRbac(1000)], copies: 1 },
  ];
  for (let run = 1; run <= RUNS; run++) {
    const added = await addedCost(subjects);
    const us = (name: string) => microseconds(added, name);
    const native = ratioOf(added, "ours, 1000", "native, 1000");
    const own = ratioOf(added, "ours, 1000", "ours, 10");
    console.log(
      `  run ${run}: ours ${us("ours, 10")} with 10 and ${us("ours, 1000")} with 1000, ` +
        `native RBAC ${us("native, 10")} and ${us("native, 1000")}; with 1000 rules ` +
        `ours / native ${native.toFixed(2)} (at most 0.1: ${verdict(native <= 0.1)}), ` +
        `ours / ours with 10 ${own.toFixed(2)} (at most 1.5: ${verdict(own <= 1.5)}); ${load()}`,
    );
  }
}

if (part("tokens")) {
  console.log("\ntokens: added CPU, us a request (median of 12 rounds)");
  for (const alg of ALGORITHMS) {
    const subjects = [
      { name: "ours", chain: [tokens(alg)], copies: 4 },
      { name: "native", chain: [nativeTokens(alg)], copies: 4 },
    ];
    const added = await addedCost(subjects, withToken(alg));
    const us = (name: string) => microseconds(added, name);
    console.log(
      `  ${alg}: ours ${us("ours")}, native jwt_authn ${us("native")}; ` +
        `ours / native ${ratioOf(added, "ours", "native").toFixed(2)}; ${load()}`,
    );
  }
  const added = await addedCost([
    { name: "ours", chain: [tokens("RS256")], copies: 4 },
    { name: "native", chain: [nativeTokens("RS256")], copies: 4 },
  ]);
  console.log(
    `  no token: ours ${microseconds(added, "ours")}, native ${microseconds(added, "native")}; ${load()}`,
  );
}
