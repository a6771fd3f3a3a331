import { Action } from "../abi/action";
import { HttpFilter } from "../contexts/http-filter";
import { announce } from "../contexts/http-message";
import { streamContext } from "../contexts/registry";
import { collectIfDue } from "../memory/heap";

/** The cast needs no check: a context of the other kind gets the base class's callbacks, which do nothing. */
function filter(id: u32): HttpFilter | null {
  return changetype<HttpFilter | null>(streamContext(id));
}

export function proxy_on_request_headers(id: u32, count: u32, endOfStream: u32): i32 {
  const stream = filter(id);
  if (stream == null) return Action.Continue;
  announce(count, endOfStream);
  const action = stream.onRequestHeaders();
  collectIfDue();
  return action;
}

export function proxy_on_request_body(id: u32, size: u32, endOfStream: u32): i32 {
  const stream = filter(id);
  if (stream == null) return Action.Continue;
  announce(0, endOfStream);
  const action = stream.onRequestBody();
  collectIfDue();
  return action;
}

export function proxy_on_request_trailers(id: u32, count: u32): i32 {
  const stream = filter(id);
  if (stream == null) return Action.Continue;
  announce(count, 1);
  const action = stream.onRequestTrailers();
  collectIfDue();
  return action;
}

export function proxy_on_request_metadata(id: u32, count: u32): i32 {
  const stream = filter(id);
  if (stream != null) stream.onRequestMetadata();
  collectIfDue();
  return Action.Continue;
}

export function proxy_on_response_headers(id: u32, count: u32, endOfStream: u32): i32 {
  const stream = filter(id);
  if (stream == null) return Action.Continue;
  announce(count, endOfStream);
  const action = stream.onResponseHeaders();
  collectIfDue();
  return action;
}

export function proxy_on_response_body(id: u32, size: u32, endOfStream: u32): i32 {
  const stream = filter(id);
  if (stream == null) return Action.Continue;
  announce(0, endOfStream);
  const action = stream.onResponseBody();
  collectIfDue();
  return action;
}

export function proxy_on_response_trailers(id: u32, count: u32): i32 {
  const stream = filter(id);
  if (stream == null) return Action.Continue;
  announce(count, 1);
  const action = stream.onResponseTrailers();
  collectIfDue();
  return action;
}

export function proxy_on_response_metadata(id: u32, count: u32): i32 {
  const stream = filter(id);
  if (stream != null) stream.onResponseMetadata();
  collectIfDue();
  return Action.Continue;
}
