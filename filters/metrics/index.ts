import { registerHttp, registerTcp } from "proxy-wasm-toolkit/sdk";
import { HttpMetrics } from "./http";
import { MetricsRoot } from "./root";
import { TcpMetrics } from "./tcp";

registerHttp<HttpMetrics, MetricsRoot>("metrics");
registerTcp<TcpMetrics, MetricsRoot>("metrics");
