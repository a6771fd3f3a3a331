import { Action, HttpFilter, RootContext, registerHttp } from "proxy-wasm-toolkit/sdk";

/** Traps some calls deep, in the callback that the configuration or the request's x-trap names. */

class Shelf {
  constructor(public items: StaticArray<i32>) {}

  take(depth: i32): i32 {
    if (depth > 0) return this.take(depth - 1) + 1;
    return this.items[7];
  }
}

function fetchItem(shelf: Shelf): i32 {
  return shelf.take(2);
}

function fall(how: string): void {
  if (how == "bounds") fetchItem(new Shelf(new StaticArray<i32>(2)));
  if (how == "throw") throw new Error("no such\nthing");
  if (how == "unreachable") unreachable();
  if (how == "endless") fall(how);
}

class Root extends RootContext {
  onConfigure(config: string): string | null {
    fall(config);
    return null;
  }
}

class Traps extends HttpFilter {
  onRequestHeaders(): Action {
    fall(this.request.headers.get("x-trap") || "");
    return Action.Continue;
  }
}
registerHttp<Traps, Root>("traps");
