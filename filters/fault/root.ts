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
    if (error != null) return error;
    const runtime = this.settings.runtime;
    const most = this.settings.maxActiveFaults;
    this.kept = new Ledger(runtime == null ? most : runtime.maxActiveFaults(most));
    return null;
  }

  onTick(): void {
    this.waiting.tick(monotonicTime());
  }
}
