import type { OnBug } from "./contain";

/**
 * Joins what one read of a socket has brought. node:http gives a chunked body chunk by chunk, however small they are;
 * Envoy's filters are called once a read.
 */
export class ReadGatherer {
  private parts: Buffer[] = [];

  constructor(
    private readonly deliver: (data: Buffer) => void,
    readonly onBug: OnBug,
  ) {}

  add(chunk: Buffer): void {
    if (this.parts.push(chunk) === 1) setImmediate(flush, this);
  }

  /** Delivers what there is; to be called before the end is told. */
  flush(): void {
    const { parts } = this;
    if (parts.length === 0) return;
    this.parts = [];
    this.deliver(parts.length === 1 ? parts[0]! : Buffer.concat(parts));
  }
}

function flush(gatherer: ReadGatherer): void {
  try {
    gatherer.flush();
  } catch (error) {
    gatherer.onBug(error);
  }
}
