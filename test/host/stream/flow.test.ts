import { expect, test } from "vitest";
import { DataStatus, HeadersStatus, TrailersStatus } from "../../../host/stream/filter";
import { type Flow, type FlowEvent, nextFlow } from "../../../host/stream/flow";

const H = HeadersStatus;
const D = DataStatus;
const T = TrailersStatus;
const all: Flow[] = ["flowing", "stopped", "held"];

/** Every cell of the table: event, then what each of the three flows becomes and does. */
const CELLS: [FlowEvent, string, string, string][] = [
  [{ hook: "headers", status: H.Continue }, "flowing pass", "flowing pass", "flowing pass"],
  [{ hook: "headers", status: H.StopIteration }, "stopped hold", "stopped hold", "stopped hold"],
  [{ hook: "headers", status: H.ContinueAndDontEndStream }, "flowing pass", "flowing pass", "flowing pass"],
  [{ hook: "headers", status: H.StopAllIterationAndBuffer }, "held hold", "held hold", "held hold"],
  [{ hook: "headers", status: H.StopAllIterationAndWatermark }, "held hold w", "held hold w", "held hold w"],
  [{ hook: "data", status: D.Continue }, "flowing pass", "flowing resume", "flowing resume"],
  [{ hook: "data", status: D.StopIterationAndBuffer }, "stopped hold", "stopped hold", "stopped hold"],
  [
    { hook: "data", status: D.StopIterationAndWatermark },
    "stopped hold w",
    "stopped hold w",
    "stopped hold w",
  ],
  [{ hook: "data", status: D.StopIterationNoBuffer }, "stopped drop", "stopped drop", "stopped drop"],
  [{ hook: "trailers", status: T.Continue }, "flowing pass", "flowing resume", "flowing resume"],
  [{ hook: "trailers", status: T.StopIteration }, "stopped hold", "stopped hold", "stopped hold"],
  [{ hook: "continue" }, "flowing none", "flowing resume", "flowing replay"],
];

test.each(CELLS)("%o", (event, ...wanted) => {
  const got = all.map((flow) => {
    const step = nextFlow(flow, event);
    return `${step.flow} ${step.effect}${step.watermark ? " w" : ""}`;
  });
  expect(got).toEqual(wanted);
});
