import { StreamContext, setTickPeriod } from "proxy-wasm-toolkit/sdk";

/** Something that is reported on while it lasts. */
export abstract class Reported {
  /** Its place among the others. */
  slot: i32 = 0;

  constructor(readonly stream: StreamContext) {}

  /** Counts what has happened since the last report; hostcalls act on its stream. */
  abstract report(): void;
}

/** Everything that is reported on; the timer runs only while there is something. */
export class Reports {
  private readonly open: Reported[] = [];

  constructor(private readonly interval: u32) {}

  add(reported: Reported): void {
    if (this.open.length == 0) setTickPeriod(this.interval);
    reported.slot = this.open.push(reported) - 1;
  }

  remove(reported: Reported): void {
    const last = this.open.pop();
    if (last != reported) {
      this.open[reported.slot] = last;
      last.slot = reported.slot;
    }
    if (this.open.length == 0) setTickPeriod(0);
  }

  run(): void {
    for (let i = 0; i < this.open.length; i++) {
      if (this.open[i].stream.makeEffective()) this.open[i].report();
    }
  }
}
