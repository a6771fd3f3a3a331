/** Exports added to a module: the counter of its checks, and a table whose only element is asked when that is down. */
export const COUNTER = "proxy-wasm-toolkit:counter";
export const ASKED = "proxy-wasm-toolkit:asked";

/** Turns of loops and calls of functions between two looks at the clock. */
const TURNS = 1000;

/** The clock as it is now: tests put another in its place. */
const now = performance.now.bind(performance);

/** `(module (import "" "" (func (result i32))) (export "" (func 0)))`: makes a function of the host one that a table takes. */
const ADAPTER = "0061736d01000000" + "0105016000017f" + "02050100000000" + "070401000000";
let adapter: WebAssembly.Module | undefined;

function asGuestFunction(run: () => number): unknown {
  adapter ??= new WebAssembly.Module(Buffer.from(ADAPTER, "hex"));
  return new WebAssembly.Instance(adapter, { "": { "": run } }).exports[""];
}

/**
 * How long one run of a guest may take. Its module has checks in its loops, which ask here now and then; nothing is done
 * as a callback begins. Time counts from the first question on.
 */
export class TimeLimit {
  private began = 0;
  private counter: WebAssembly.Global | undefined;
  /** The run has been ended. */
  passed = false;

  constructor(readonly ms: number) {}

  /** Takes the questions of an instance. Its start section, if any, has run before. */
  watch(exports: Record<string, unknown>): void {
    this.counter = exports[COUNTER] as WebAssembly.Global;
    this.counter.value = TURNS;
    (exports[ASKED] as WebAssembly.Table).set(
      0,
      asGuestFunction(() => this.ask()),
    );
  }

  begin(): void {
    this.began = 0;
  }

  /** 0 = go on. */
  private ask(): number {
    this.counter!.value = TURNS;
    const time = now();
    if (this.began === 0) this.began = time;
    this.passed = time - this.began > this.ms;
    return this.passed ? 1 : 0;
  }
}
