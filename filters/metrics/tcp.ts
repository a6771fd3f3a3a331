import { Action, StreamContext, TcpFilter } from "proxy-wasm-toolkit/sdk";
import { Book } from "./book";
import { Traffic } from "./plans";
import { Reported } from "./reports";
import { MetricsRoot } from "./root";
import { Series } from "./series";

/** Places in the series of a connection. */
const OPENED = 0;
const CLOSED = 1;
const SENT = 2;
const RECEIVED = 3;

/** Bytes of one connection. */
class ConnectionBytes extends Reported {
  sent: i64 = 0;
  received: i64 = 0;
  private series: Series | null = null;

  constructor(
    stream: StreamContext,
    private readonly book: Book,
  ) {
    super(stream);
  }

  /** Counts the connection as opened, and decides which labels it has to its end; `dynamic` as in `Book.stream`. */
  settle(dynamic: string[]): Series {
    const known = this.series;
    if (known != null) return known;
    const series = this.book.stream(Traffic.Tcp, this.book.reader.connection(), null, dynamic);
    this.series = series;
    series.count(OPENED, 1);
    return series;
  }

  get isSettled(): bool {
    return this.series != null;
  }

  report(): void {
    const series = this.settle(this.book.config.dynamicTags.unknown());
    series.count(SENT, this.sent);
    series.count(RECEIVED, this.received);
    this.sent = 0;
    this.received = 0;
  }
}

/** Counts a TCP connection: its labels are those of its first bytes, when both ends are known, or else of its end. */
export class TcpMetrics extends TcpFilter {
  private bytes: ConnectionBytes | null = null;

  private get book(): Book {
    return (this.root as MetricsRoot).book as Book;
  }

  onNewConnection(): Action {
    const bytes = new ConnectionBytes(this, this.book);
    this.bytes = bytes;
    this.book.reports.add(bytes);
    return Action.Continue;
  }

  onDownstreamData(): Action {
    const bytes = this.begun();
    if (bytes != null) bytes.received += <i64>this.downstream.length;
    return Action.Continue;
  }

  onUpstreamData(): Action {
    const bytes = this.begun();
    if (bytes != null) bytes.sent += <i64>this.upstream.length;
    return Action.Continue;
  }

  onLog(): void {
    const bytes = this.begun();
    if (bytes == null) return;
    this.bytes = null;
    this.book.reports.remove(bytes);
    bytes.report();
    bytes.settle([]).count(CLOSED, 1);
  }

  private begun(): ConnectionBytes | null {
    const bytes = this.bytes;
    if (bytes != null && !bytes.isSettled) bytes.settle(this.book.config.dynamicTags.read());
    return bytes;
  }
}
