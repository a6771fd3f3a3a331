import { Action } from "../abi/action";
import { connectionContext, streamContext } from "../contexts/registry";
import { announceData } from "../contexts/tcp-buffer";
import { TcpFilter } from "../contexts/tcp-filter";
import { collectIfDue } from "../memory/heap";

/** The cast needs no check: a context of the other kind gets the base class's callbacks, which do nothing. */
function filter(id: u32): TcpFilter | null {
  return changetype<TcpFilter | null>(streamContext(id));
}

export function proxy_on_new_connection(id: u32): i32 {
  const stream = changetype<TcpFilter | null>(connectionContext(id));
  if (stream == null) return Action.Continue;
  const action = stream.onNewConnection();
  collectIfDue();
  return action;
}

export function proxy_on_downstream_data(id: u32, size: u32, endOfStream: u32): i32 {
  const stream = filter(id);
  if (stream == null) return Action.Continue;
  announceData(endOfStream);
  const action = stream.onDownstreamData();
  collectIfDue();
  return action;
}

export function proxy_on_upstream_data(id: u32, size: u32, endOfStream: u32): i32 {
  const stream = filter(id);
  if (stream == null) return Action.Continue;
  announceData(endOfStream);
  const action = stream.onUpstreamData();
  collectIfDue();
  return action;
}

export function proxy_on_upstream_connection_close(id: u32, peer: i32): void {
  const stream = filter(id);
  if (stream != null) stream.onUpstreamClose(peer);
  collectIfDue();
}

export function proxy_on_downstream_connection_close(id: u32, peer: i32): void {
  const stream = filter(id);
  if (stream != null) stream.onDownstreamClose(peer);
  collectIfDue();
}
