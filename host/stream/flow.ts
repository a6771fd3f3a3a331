import { DataStatus, HeadersStatus, TrailersStatus } from "./filter";

/**
 * One filter's position in one direction of a stream, as Envoy keeps it:
 * `flowing` passes everything on; `stopped` holds what comes but still shows it to the filter;
 * `held` (all iteration stopped at headers) shows nothing more until continue.
 */
export type Flow = "flowing" | "stopped" | "held";

/** What a hook answered. */
export type FlowEvent =
  | { hook: "headers"; status: HeadersStatus }
  | { hook: "data"; status: DataStatus }
  | { hook: "trailers"; status: TrailersStatus }
  | { hook: "continue" };

/**
 * `pass`: this frame goes to the next filter. `hold`: keep it. `drop`: lose it.
 * `resume`: keep it, then pass on everything kept so far. `replay`: as resume, but the filter itself sees what was kept first.
 */
export type FlowEffect = "pass" | "hold" | "drop" | "resume" | "replay" | "none";

export interface FlowStep {
  flow: Flow;
  effect: FlowEffect;
  /** Back-pressure instead of an error when the kept body exceeds the limit. */
  watermark: boolean;
}

const step = (flow: Flow, effect: FlowEffect, watermark = false): FlowStep => ({ flow, effect, watermark });

const AFTER_HEADERS: Readonly<Record<HeadersStatus, FlowStep>> = {
  [HeadersStatus.Continue]: step("flowing", "pass"),
  [HeadersStatus.StopIteration]: step("stopped", "hold"),
  [HeadersStatus.ContinueAndDontEndStream]: step("flowing", "pass"),
  [HeadersStatus.StopAllIterationAndBuffer]: step("held", "hold"),
  [HeadersStatus.StopAllIterationAndWatermark]: step("held", "hold", true),
};

const AFTER_DATA: Readonly<Record<DataStatus, (flow: Flow) => FlowStep>> = {
  [DataStatus.Continue]: (flow) => (flow === "flowing" ? step("flowing", "pass") : step("flowing", "resume")),
  [DataStatus.StopIterationAndBuffer]: () => step("stopped", "hold"),
  [DataStatus.StopIterationAndWatermark]: () => step("stopped", "hold", true),
  [DataStatus.StopIterationNoBuffer]: () => step("stopped", "drop"),
};

const AFTER_TRAILERS: Readonly<Record<TrailersStatus, (flow: Flow) => FlowStep>> = {
  [TrailersStatus.Continue]: (flow) =>
    flow === "flowing" ? step("flowing", "pass") : step("flowing", "resume"),
  [TrailersStatus.StopIteration]: () => step("stopped", "hold"),
};

const ON_CONTINUE: Readonly<Record<Flow, FlowStep>> = {
  flowing: step("flowing", "none"),
  stopped: step("flowing", "resume"),
  held: step("flowing", "replay"),
};

/** The flow and what to do with the frame at hand, after `event`. Pure. */
export function nextFlow(flow: Flow, event: FlowEvent): FlowStep {
  switch (event.hook) {
    case "headers":
      return AFTER_HEADERS[event.status];
    case "data":
      return AFTER_DATA[event.status](flow);
    case "trailers":
      return AFTER_TRAILERS[event.status](flow);
    case "continue":
      return ON_CONTINUE[flow];
  }
}
