import { afterAll } from "vitest";
import { extraTransforms } from "../../../host/build/extra-transforms";
import { saveHits, takeHit } from "./hits";
import { loadAst } from "./statements";
import { coverageTransform } from "./transform";

// In each worker of a run that counts: what it compiles gets counters, and what modules say to them is taken out of the
// way before any host hears of it. Only Envoy's log brings them by another way (describe-engines.ts).
if (extraTransforms.length === 0) {
  extraTransforms.push(coverageTransform(await loadAst()));
  listen();
}
afterAll(saveHits);

type Imports = Record<string, Record<string, unknown>>;
type Log = (level: number, at: number, size: number) => number;

/** `proxy_log` of every instance in this process goes by us first; a module that is given none gets one. */
function listen(): void {
  const Native = WebAssembly.Instance;
  class Instance extends Native {
    constructor(module: WebAssembly.Module, imports: Imports = {}) {
      // Known only once super() has returned; a log line may come before.
      // biome-ignore lint/complexity/noUselessThisAlias: not there yet while the start code logs
      let instance: WebAssembly.Instance | undefined;
      const log = imports.env?.proxy_log as Log | undefined;
      const counting: Log = (level, at, size) => {
        const memory = instance?.exports.memory as WebAssembly.Memory | undefined;
        if (size === 21 && memory) {
          const text = Buffer.from(memory.buffer, at >>> 0, size).toString("latin1");
          if (takeHit(text)) return 0;
        }
        return log ? log(level, at, size) : 0;
      };
      const needs = WebAssembly.Module.imports(module).some(({ name }) => name === "proxy_log");
      super(module, (needs ? { ...imports, env: withLog(imports.env, counting) } : imports) as never);
      instance = this;
    }
  }
  WebAssembly.Instance = Instance as never;
  const instantiate = async (source: Uint8Array | WebAssembly.Module, imports?: Imports) => {
    if (source instanceof WebAssembly.Module) return new Instance(source, imports);
    const module = await WebAssembly.compile(source as never);
    return { module, instance: new Instance(module, imports) };
  };
  Object.assign(WebAssembly, { instantiate });
}

/** The imports may answer for names they do not list. */
function withLog(env: Record<string, unknown> = {}, log: Log): Record<string, unknown> {
  return new Proxy(env, {
    get: (target, name, receiver) => (name === "proxy_log" ? log : Reflect.get(target, name, receiver)),
    has: (target, name) => name === "proxy_log" || Reflect.has(target, name),
  });
}
