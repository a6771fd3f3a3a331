import { DataStatus, HeadersStatus } from "./filter";

/** What a headers callback's number means to the chain; an absent callback continues. */
export function headersStatus(result: number | undefined, allowStopIteration: boolean): HeadersStatus {
  if (result === undefined || result === 0) return HeadersStatus.Continue;
  if (result === 1 && allowStopIteration) return HeadersStatus.StopIteration;
  if (result === 2) return HeadersStatus.ContinueAndDontEndStream;
  return result === 3 ? HeadersStatus.StopAllIterationAndBuffer : HeadersStatus.StopAllIterationAndWatermark;
}

/** What a body callback's number means to the chain; everything above 2 loses the chunk. */
export function dataStatus(result: number | undefined): DataStatus {
  if (result === undefined || result === 0) return DataStatus.Continue;
  if (result === 1) return DataStatus.StopIterationAndBuffer;
  return result === 2 ? DataStatus.StopIterationAndWatermark : DataStatus.StopIterationNoBuffer;
}
