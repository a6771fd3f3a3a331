/** Everything a filter author imports: `import { HttpFilter, Action, registerHttp } from "proxy-wasm-toolkit/sdk"`. */
import "./abort";
import "./globals";

export { Action, BodyAction, HeadersAction } from "./abi/action";
export { BufferType } from "./abi/buffer-type";
export { GrpcStatus } from "./abi/grpc-status";
export { LogLevel } from "./abi/log-level";
export { MapType } from "./abi/map-type";
export { MetricType } from "./abi/metric-type";
export { PeerType } from "./abi/peer-type";
export { Status } from "./abi/status";
export { StreamType } from "./abi/stream-type";
export { Connection, connection } from "./attributes/connection";
export { Plugin, plugin } from "./attributes/plugin";
export { dynamicMetadata, filterState, upstreamFilterState } from "./attributes/stream-state";
export { Upstream, upstream } from "./attributes/upstream";
export { TrafficDirection, Xds, XdsNode, xds } from "./attributes/xds";
export { Context } from "./contexts/context";
export { GrpcCall } from "./contexts/grpc-call";
export { GrpcStream } from "./contexts/grpc-stream";
export { HttpCall } from "./contexts/http-call";
export { HttpFilter } from "./contexts/http-filter";
export { HttpRequest, HttpResponse } from "./contexts/http-message";
export { Counter, Gauge, Histogram } from "./contexts/metric-family";
export { registerHttp, registerTcp } from "./contexts/registry";
export { RootContext } from "./contexts/root-context";
export { StreamContext } from "./contexts/stream-context";
export { TcpBuffer } from "./contexts/tcp-buffer";
export { TcpFilter } from "./contexts/tcp-filter";
export { ProxyBuffer, proxyBuffer } from "./hostcalls/buffers";
export { currentTime, monotonicTime } from "./hostcalls/clock";
export { done, setEffectiveContext } from "./hostcalls/contexts";
export { Expression } from "./hostcalls/expressions";
export { declareProperty, LifeSpan, PropertyType, setFilterState } from "./hostcalls/filter-state";
export {
  callForeignFunction,
  clearRouteCache,
  compress,
  foreignStatus,
  uncompress,
} from "./hostcalls/foreign";
export { HeaderMap, headerMap } from "./hostcalls/headers";
export {
  isLogging,
  log,
  logCritical,
  logDebug,
  logError,
  logInfo,
  logLevel,
  logTrace,
  logWarn,
} from "./hostcalls/logging";
export { Metric } from "./hostcalls/metrics";
export {
  getProperty,
  getPropertyBool,
  getPropertyDouble,
  getPropertyInt,
  getPropertyString,
  PropertyPath,
  setProperty,
  setPropertyBytes,
} from "./hostcalls/properties";
export { getSharedData, SharedUpdate, SharedValue, setSharedData } from "./hostcalls/shared-data";
export { SharedQueue } from "./hostcalls/shared-queues";
export { SignatureKey, SignatureResult, sign, verifySignature } from "./hostcalls/signatures";
export { CallStatus, callStatus } from "./hostcalls/status";
export { closeStream, continueStream } from "./hostcalls/streams";
export { setTickPeriod } from "./hostcalls/timers";
export { Bytes } from "./memory/bytes";
export { HeaderName } from "./memory/header-name";
export { MessageReader, MessageWriter, WireType } from "./memory/message";
export { Pairs } from "./memory/pairs";
