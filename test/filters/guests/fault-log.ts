/** An access logger that writes the mark of the fault filter, as text formats do by `%FILTER_STATE(wasm.smf_fault:PLAIN)%`. */
import {
  getPropertyString,
  HttpFilter,
  headerMap,
  logInfo,
  MapType,
  PropertyPath,
  RootContext,
  registerHttp,
} from "proxy-wasm-toolkit/sdk";

const MARK = PropertyPath.of(["filter_state", "wasm.smf_fault"]);

class FaultLog extends RootContext {
  onLog(): void {
    const path = headerMap(MapType.HttpRequestHeaders).get(":path");
    const mark = getPropertyString(MARK);
    logInfo(`logged ${path == null ? "" : path} ${mark == null ? "-" : mark}`);
  }
}

registerHttp<HttpFilter, FaultLog>("fault-log");
