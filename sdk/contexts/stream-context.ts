import { Context } from "./context";
import { RootContext } from "./root-context";

/** What HTTP filters (one per request) and TCP filters (one per connection) have in common. */
export class StreamContext extends Context {
  /** @internal Chain of a table's bucket. */
  next: StreamContext | null = null;
  /** @internal */
  rootContext: RootContext | null = null;

  /** The plugin this stream belongs to; cast it to your class: `this.root as MyRoot`. */
  get root(): RootContext {
    return changetype<RootContext>(this.rootContext);
  }

  /** The exchange is over: write metrics and logs. Properties and most headers can still be read. */
  onLog(): void {}

  /** The stream has ended; called after `onLog` for HTTP, before it for TCP. */
  onDone(): void {}

  /** The last callback. */
  onDelete(): void {}
}
