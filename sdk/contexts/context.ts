import { Status } from "../abi/status";
import { setEffectiveContext } from "../hostcalls/contexts";

/** What root contexts and streams have in common: the number the proxy knows them by. */
export class Context {
  /** @internal Assigned by the registry; read it for `setEffectiveContext`. */
  contextId: u32 = 0;

  /**
   * Makes the following hostcalls of this callback act on this context, e.g. on a paused stream in `onTick`.
   * @returns false when it has ended, and nothing changes
   * @example if (stream.makeEffective()) stream.continueRequest();
   */
  makeEffective(): bool {
    return setEffectiveContext(this.contextId) == Status.Ok;
  }
}
