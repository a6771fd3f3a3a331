import { monotonicTime, RootContext } from "proxy-wasm-toolkit/sdk";
import { readConfig } from "./config";
import { Ledger } from "./ledger";
import { Settings } from "./settings";
import { Waiting } from "./waiting";

/** One configured plugin. */
export class FaultRoot extends RootContext {
  readonly settings: Settings = new Settings();
  readonly waiting: Waiting = new Waiting();
  private kept: Ledger | null = null;

  get ledger(): Ledger {
    return this.kept as Ledger;
  }

  onConfigure(config: string): string | null {
    const error = readConfig(config, this.settings);
    if (error == null) this.kept = new Ledger(this.settings.maxActiveFaults);
    return error;
  }

  onTick(): void {
    this.waiting.tick(monotonicTime());
  }
}
