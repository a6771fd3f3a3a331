import { Status } from "../abi/status";
import { Bytes } from "../memory/bytes";
import { MessageWriter } from "../memory/message";
import { callForeignFunction, foreignStatus } from "./foreign";

/** How a declared property is read by others (access logs, CEL). */
export enum PropertyType {
  Bytes = 0,
  String = 1,
  /** Its schema is a reflection schema (bfbs). */
  FlatBuffers = 2,
  /** Its schema is a type URL. */
  Protobuf = 3,
}

/** How long a value lives. */
export enum LifeSpan {
  FilterChain = 0,
  /** The request, also when it is routed anew inside the proxy. */
  Request = 1,
  /** The connection: later requests on it see it too. */
  Connection = 2,
}

/**
 * Says, before any stream, how properties of that name behave when `setProperty` makes them; only from a root's callback
 * (`onConfigure`).
 * @param readOnly whether a second `setProperty` is refused
 * @returns `Status.BadArgument` when the name was declared before
 */
export function declareProperty(
  name: string,
  span: LifeSpan = LifeSpan.FilterChain,
  readOnly: bool = false,
  type: PropertyType = PropertyType.Bytes,
  schema: Bytes | null = null,
): Status {
  const message = new MessageWriter().text(1, name).bool(2, readOnly).int(3, type);
  if (schema != null) message.bytes(4, schema);
  callForeignFunction("declare_property", message.int(5, span).finish());
  return foreignStatus();
}

/**
 * Sets one of the proxy's own objects in the stream's filter state, e.g. `envoy.tcp_proxy.cluster`.
 * @returns `Status.NotFound` for an unknown key or without a stream, `Status.BadArgument` for a value it cannot take
 */
export function setFilterState(key: string, value: string, span: LifeSpan = LifeSpan.FilterChain): Status {
  const message = new MessageWriter().text(1, key).text(2, value).int(3, span);
  callForeignFunction("set_envoy_filter_state", message.finish());
  return foreignStatus();
}
