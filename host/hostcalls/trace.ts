import { Status } from "../../sdk/abi/status";
import type { Param, SignatureRow } from "../abi/signature";
import { LEVEL_NAMES } from "../log";
import { decodePairs } from "../stores/pairs";
import type { HostcallEnv } from "./env";

type Fn = (...args: never[]) => number;

const MAX_SHOWN = 120;

function quoted(text: string | undefined): string {
  if (text === undefined) return "<outside memory>";
  const shown = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text;
  return JSON.stringify(shown);
}

/** One parameter as text, taking its wasm arguments off the front of `args`. Outputs show nothing before the call. */
function show(env: HostcallEnv, [name, kind]: Param, args: (number | bigint)[]): string | undefined {
  const first = args.shift()!;
  switch (kind) {
    case "in":
    case "path": {
      const text = env.memory?.latin1(Number(first), Number(args.shift()));
      return `${name}=${quoted(kind === "path" ? text?.replaceAll("\0", ".") : text)}`;
    }
    case "pairs": {
      const data = env.memory?.copy(Number(first), Number(args.shift()));
      return `${name}=${quoted(
        data &&
          decodePairs(data)
            .map(([k, v]) => `${k}: ${v}`)
            .join(", "),
      )}`;
    }
    case "out":
      args.shift();
      return undefined;
    case "out32":
    case "out64":
      return undefined;
    case "level":
      return `${name}=${LEVEL_NAMES[Number(first)] ?? first}`;
    default:
      return `${name}=${first}`;
  }
}

/** What the call stored, for the outputs of a successful one. */
function results(env: HostcallEnv, row: SignatureRow, args: readonly (number | bigint)[]): string {
  let at = 0;
  const shown = row.params.map(([, kind]) => {
    const first = Number(args[at]);
    at += kind === "in" || kind === "out" || kind === "pairs" || kind === "path" ? 2 : 1;
    if (kind === "out32") return env.memory.readU32(first);
    if (kind !== "out") return undefined;
    const ptr = env.memory.readU32(first);
    const size = env.memory.readU32(Number(args[at - 1]));
    return ptr === undefined || size === undefined ? undefined : quoted(env.memory.latin1(ptr, size));
  });
  return shown.filter((part) => part !== undefined).join(" ");
}

/** A hostcall that writes two readable lines: `==> name(param=value)` and `<== status results`. */
export function traced(
  name: string,
  row: SignatureRow,
  env: HostcallEnv,
  run: Fn,
  trace: (line: string) => void,
): Fn {
  const call = run as (...args: (number | bigint)[]) => number;
  return (...args: (number | bigint)[]) => {
    const rest = [...args];
    const params = row.params.map((param) => show(env, param, rest)).filter((part) => part !== undefined);
    trace(`==> ${name}(${params.join(", ")})`);
    const status = call(...args);
    const stored = status === Status.Ok ? results(env, row, args) : "";
    trace(`<== ${Status[status] ?? status}${stored === "" ? "" : ` ${stored}`}`);
    return status;
  };
}
