/**
 * What a stream callback wants the proxy to do next. The meaning depends on the callback:
 * on headers `Pause` holds the whole stream, on bodies it buffers, on trailers it stops.
 */
export enum Action {
  Continue = 0,
  Pause = 1,
}

/** Result of a headers callback as Envoy numbers it. */
export enum HeadersAction {
  Continue = 0,
  StopIteration = 1,
  ContinueAndEndStream = 2,
  StopAllIterationAndBuffer = 3,
  StopAllIterationAndWatermark = 4,
}

/** Result of a body callback as Envoy numbers it. */
export enum BodyAction {
  Continue = 0,
  StopIterationAndBuffer = 1,
  StopIterationAndWatermark = 2,
  StopIterationNoBuffer = 3,
}
