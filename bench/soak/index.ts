import { buildModule } from "../../host/build/index";
import { HeaderMap } from "../../host/stores/header-map";
import { FilterChain } from "../../host/stream/filter-chain";
import { RecordingEnds } from "../../test/host/support/fake-ends";
import { InMemoryHost } from "../../test/host/support/in-memory";

/** Hello streams through one VM, a filter chain each; the first and the last tenth are compared. */
const STREAMS = Number(process.argv[2] ?? 1_000_000);
/** Measured that many times, after the garbage is collected. */
const SAMPLES = 100;

const host = new InMemoryHost();
const plugin = await host.load((await buildModule({ entry: "examples/hello/index.ts" })).wasm);
const factories = [plugin.factory];
const LIMITS = { requestBufferLimit: 1e6, responseBufferLimit: 1e6 };
const REQUEST: [string, string][] = [
  [":authority", "example.com"],
  [":path", "/"],
  [":method", "GET"],
  ["user-agent", "soak"],
];

/** Fails loudly when a stream is not what it should be: a soak of errors proves nothing. */
function stream(): void {
  const ends = new RecordingEnds();
  const chain = new FilterChain(factories, ends, LIMITS);
  chain.requestHeaders(HeaderMap.of("request", REQUEST), true);
  chain.responseHeaders(HeaderMap.of("response", [[":status", "200"]]), true);
  chain.finish();
  if (ends.maps[1]?.get("x-hello") !== "world") throw new Error("a stream went without the filter");
}

const { gc } = globalThis as { gc?: () => void };
const heap: number[] = [];
const guest: number[] = [];
const began = performance.now();
for (let sample = 0; sample < SAMPLES; sample++) {
  for (let i = 0; i < STREAMS / SAMPLES; i++) stream();
  gc?.();
  heap.push(process.memoryUsage().heapUsed);
  guest.push(host.runtime.memoryBytes);
}
const seconds = (performance.now() - began) / 1000;

const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const tenth = SAMPLES / 10;
const KIB = 1024;
function row(name: string, values: number[]): number {
  const [first, last] = [mean(values.slice(0, tenth)) / KIB, mean(values.slice(-tenth)) / KIB];
  const change = 100 * (last / first - 1);
  console.log(
    `${name.padEnd(14)} ${first.toFixed(0).padStart(12)} ${last.toFixed(0).padStart(12)}   ${change.toFixed(2)} %`,
  );
  return change;
}

console.log(`${STREAMS} hello streams through one VM in ${seconds.toFixed(1)} s\n`);
console.log("KiB            first tenth   last tenth   change");
const changes = [row("heap", heap), row("guest memory", guest)];
const flat = changes.every((change) => change < 5) && changes[1] === 0;
console.log(`\nflat (heap within 5 %, guest memory the same): ${flat ? "yes" : "NO"}`);
process.exitCode = flat ? 0 : 1;
