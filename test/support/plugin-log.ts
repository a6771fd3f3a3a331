import * as build from "./bootstrap";
import type { ProxyUnderTest } from "./describe-engines";
import { guest } from "./guests";
import { exchange } from "./raw-client";

/** A behaviour's own part of the section's proxy, and what its plugins have logged there. */
export class PluginLog {
  proxy!: ProxyUnderTest;

  constructor(
    /** Name of its listener, cluster, plugin, root and VM. */
    readonly id: string,
  ) {}

  get port(): number {
    return this.proxy.port(this.id);
  }

  /** What this behaviour's plugins have logged, prefix removed: everything up to now, also what is still under way. */
  async messages(): Promise<string[]> {
    await fence(this.proxy);
    return ownMessages(this.proxy.log.lines, this.id);
  }

  /** The first message that satisfies the test, past or to come. */
  message(wanted: (message: string) => boolean, what = "a message"): Promise<string> {
    return this.proxy.log.waitFor((lines) => ownMessages(lines, this.id).find(wanted), what);
  }

  /** `STATUS VALUE` of the first hostcall a script stored under this name. */
  async logged(name: string): Promise<string> {
    const start = `${name}=`;
    return (await this.message((message) => message.startsWith(start), start)).slice(start.length);
  }

  /** Every `STATUS VALUE` stored under this name so far. */
  async allLogged(name: string): Promise<string[]> {
    const start = `${name}=`;
    return (await this.messages())
      .filter((message) => message.startsWith(start))
      .map((message) => message.slice(start.length));
  }

  /** Names of the traced callbacks so far, without arguments. */
  async callbacks(): Promise<string[]> {
    return (await this.messages())
      .filter((message) => message.startsWith("> "))
      .map((message) => message.split(" ")[1]!);
  }
}

const FENCE = "fence";
let fences = 0;

/**
 * Sends a request through the section's own fence listener and waits for its log line. The proxy has one worker that writes
 * its log in order: whatever happened before has been logged then.
 */
async function fence(proxy: ProxyUnderTest): Promise<void> {
  const token = `${FENCE}-${++fences}`;
  await exchange(proxy.port(FENCE), { headers: [["x-fence", token]] });
  const line = `wasm log ${FENCE} ${FENCE} ${FENCE}: seen=0 ${token}`;
  await proxy.log.waitFor((lines) => lines.find(({ message }) => message === line), token);
}

export async function fenceListener(): Promise<build.Json> {
  const filter = build.wasmFilter({
    name: FENCE,
    rootId: FENCE,
    vmId: FENCE,
    wasm: await guest("puppet"),
    configuration: "on request_headers\n seen = get 0 x-fence",
  });
  const routes = [{ match: { prefix: "/" }, direct_response: { status: 200 } }];
  return build.httpListener({ name: FENCE, filters: [filter], routes });
}

function ownMessages(lines: readonly { component: string; message: string }[], id: string): string[] {
  const messages: string[] = [];
  for (const { component, message } of lines) {
    if (component !== "wasm") continue;
    const match = /^wasm log ([^:]*): (.*)$/s.exec(message);
    if (match && match[1]!.split(" ").includes(id)) messages.push(match[2]!);
  }
  return messages;
}
