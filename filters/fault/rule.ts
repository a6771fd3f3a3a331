import { Request } from "./request";
import { RequestMatch } from "./request-match";
import { DENOMINATOR } from "./roll";
import { Schedule } from "./schedule";

/** One entry of the `http` list, or what one request asks for in headers: when it applies, and what it does. */
export class FaultRule {
  readonly matches: RequestMatch[] = [];
  /** False: requests that match are left alone. */
  injects: bool = false;
  /** Null = always. */
  schedule: Schedule | null = null;

  delays: bool = false;
  /** Of a million. */
  delayChance: u32 = 0;
  delayMs: u32 = 0;

  aborts: bool = false;
  /** Of a million. */
  abortChance: u32 = 0;
  /** HTTP status of the abort; 200 when `grpcStatus` is set, as clients that speak no gRPC get it. */
  status: u32 = 200;
  /** -1 = derived from `status`. */
  grpcStatus: i32 = -1;

  /** Responses at `kbps` KiB a second. */
  paceChance: u32 = 0;
  kbps: i64 = 0;
  /** Responses held for `stallTime` nanoseconds after so many bytes of their body. */
  stallChance: u32 = 0;
  stallAfter: i64 = 0;
  stallTime: i64 = 0;
  /** Responses cut after so many bytes of their body: the stream is reset there, or ends as if that were all. */
  cutChance: u32 = 0;
  cutAfter: i64 = 0;
  cutResets: bool = false;

  get shapesResponses(): bool {
    return (this.paceChance | this.stallChance | this.cutChance) != 0;
  }

  /** No match block at all is a catch-all. */
  applies(request: Request): bool {
    const matches = this.matches;
    for (let i = 0; i < matches.length; i++) if (matches[i].holds(request)) return true;
    return matches.length == 0;
  }

  /** Share of its chances that counts now, in parts of a million. */
  get share(): u32 {
    const schedule = this.schedule;
    return schedule == null ? DENOMINATOR : schedule.share;
  }

  /** The same, apart from when it applies. */
  copy(): FaultRule {
    const copy = new FaultRule();
    copy.injects = this.injects;
    copy.schedule = this.schedule;
    copy.delays = this.delays;
    copy.delayChance = this.delayChance;
    copy.delayMs = this.delayMs;
    copy.aborts = this.aborts;
    copy.abortChance = this.abortChance;
    copy.status = this.status;
    copy.grpcStatus = this.grpcStatus;
    copy.paceChance = this.paceChance;
    copy.kbps = this.kbps;
    copy.stallChance = this.stallChance;
    copy.stallAfter = this.stallAfter;
    copy.stallTime = this.stallTime;
    copy.cutChance = this.cutChance;
    copy.cutAfter = this.cutAfter;
    copy.cutResets = this.cutResets;
    return copy;
  }
}
