import { RootContext } from "proxy-wasm-toolkit/sdk";
import { Book } from "./book";
import { MetricsConfig } from "./config";

/** One plugin, in front of HTTP or of TCP. */
export class MetricsRoot extends RootContext {
  /** Null only until the plugin is configured. */
  book: Book | null = null;

  onConfigure(text: string): string | null {
    const config = MetricsConfig.read(text);
    if (config.error == null) this.book = new Book(config);
    return config.error;
  }

  onTick(): void {
    const book = this.book;
    if (book != null) book.reports.run();
  }
}
