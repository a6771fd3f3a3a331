import { HttpFilter, registerHttp } from "proxy-wasm-toolkit/sdk";

/** Traps in its top-level code. */
function check(ready: bool): void {
  assert(ready, "not today");
}

class Never extends HttpFilter {}
registerHttp<Never>("never");
check(false);
