import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { envoyEngine } from "../../host/envoy/index";
import { LogLevel } from "../../sdk/abi/log-level";
import { bootstrap, cluster, httpListener, type Json, wasmFilter } from "../../test/support/bootstrap";
import { cpuOf, envoyPid } from "../support/process";

/** A listener that answers by itself, with `copies` of a module in its chain; without a module it is bare. */
export interface Variant {
  name: string;
  wasm?: Uint8Array;
  copies?: number;
  /** HTTP filters as they stand in a file, instead of a module. */
  chain?: readonly Json[];
}

const ANSWER: Json = { match: { prefix: "/" }, direct_response: { status: 200 } };
/** Without what differs from one response to the next. */
const FORWARD: Json = {
  match: { prefix: "/" },
  route: { cluster: "app" },
  response_headers_to_remove: ["x-envoy-upstream-service-time"],
};

/** One real Envoy with a listener for each variant, and what it costs. */
export class EnvoyUnderTest {
  private constructor(
    private readonly stopAll: () => Promise<void>,
    private readonly pid: string,
    readonly ports: ReadonlyMap<string, number>,
  ) {}

  /** `upstream`: a port that requests go to, in place of being answered at once. */
  static async start(variants: readonly Variant[], upstream?: number): Promise<EnvoyUnderTest> {
    const folder = mkdtempSync(join(tmpdir(), "bench-sdk-"));
    const listeners = variants.map(({ name, wasm, copies = 1, chain = [] }) => {
      const file = join(folder, `${name}.wasm`);
      if (wasm) writeFileSync(file, wasm);
      const filter = wasmFilter({
        name,
        wasm: file,
        vmId: name,
        plugin: { allow_on_headers_stop_iteration: true },
      });
      return httpListener({
        name,
        filters: wasm ? Array.from({ length: copies }, () => filter) : chain,
        routes: [upstream === undefined ? ANSWER : FORWARD],
        // Nothing that is not the same for every request.
        manager: { generate_request_id: false, stream_idle_timeout: "0s" },
      });
    });
    const clusters = upstream === undefined ? [] : [cluster("app", upstream)];
    const configPath = join(folder, "envoy.json");
    writeFileSync(configPath, JSON.stringify(bootstrap({ listeners, clusters })));
    const running = await envoyEngine.start({ configPath, concurrency: 1, logLevel: LogLevel.Error });
    const ports = new Map(running.listeners.map(({ name, port }) => [name, port]));
    const stop = async () => {
      await running.kill();
      rmSync(folder, { recursive: true });
    };
    return new EnvoyUnderTest(stop, envoyPid(configPath), ports);
  }

  stop(): Promise<void> {
    return this.stopAll();
  }

  /** Nanoseconds all its threads have run so far. */
  cpu(): number {
    return cpuOf(this.pid);
  }

  /** Resident memory, MiB. */
  memory(): number {
    const pages = readFileSync(`/proc/${this.pid}/statm`, "latin1").split(" ")[1];
    return (Number(pages) * 4096) / 1048576;
  }
}
