import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import { LIMITS } from "./limits";
import type { RecordedStream } from "./recorded-stream";
import type { Recorder } from "./recorder";

/** Changes are gathered this long: a busy stream is one message, not hundreds. */
const GATHER_MS = 100;
/** A page that reads this much too slowly is let go; it comes back by itself. */
const MAX_WAITING = 4 * 1024 * 1024;

/** Server-sent events: the summaries of streams that have changed. */
export class Feed {
  private readonly pages = new Set<ServerResponse>();
  private readonly changed = new Set<RecordedStream>();
  private timer: NodeJS.Timeout | undefined;
  private readonly stop: () => void;

  constructor(recorder: Recorder) {
    this.stop = recorder.subscribe((stream) => {
      if (this.pages.size === 0) return;
      this.changed.add(stream);
      this.timer ??= setTimeout(() => this.flush(), GATHER_MS).unref();
    });
  }

  join(response: ServerResponse, headers: OutgoingHttpHeaders): void {
    if (this.pages.size >= LIMITS.listeners) {
      response.writeHead(503, headers).end("too many pages listen already\n");
      return;
    }
    response.writeHead(200, { ...headers, "content-type": "text/event-stream" });
    response.write(":\n\n");
    this.pages.add(response);
    response.on("close", () => this.pages.delete(response));
  }

  private flush(): void {
    this.timer = undefined;
    const summaries = [...this.changed].map((stream) => stream.summary);
    this.changed.clear();
    const message = `data: ${JSON.stringify(summaries)}\n\n`;
    for (const page of this.pages) {
      if (page.writableLength > MAX_WAITING) page.destroy();
      else page.write(message);
    }
  }

  close(): void {
    this.stop();
    clearTimeout(this.timer);
    for (const page of this.pages) page.end();
  }
}
