import type { Status } from "../../../sdk/abi/status";
import type { Context } from "../../context/context";

/** One call of a foreign function. */
export interface ForeignCall {
  /** What the function acts on: the effective context. */
  readonly context: Context;
  /** The context whose callback is running, whatever was made effective. */
  readonly caller: Context;
  readonly argument: Buffer;
}

/** Answers with the result's bytes, or with the status that says why there is none. Never throws. */
export type ForeignFunction = (call: ForeignCall) => Buffer | Status;

/** Success without a result. */
export const NOTHING = Buffer.alloc(0);
