import type { ChainFactory } from "../../../../host/proxy/chain";
import type { StreamEnds } from "../../../../host/stream/filter";
import { FilterChain } from "../../../../host/stream/filter-chain";

const LIMITS = { requestBufferLimit: 1024 * 1024, responseBufferLimit: 1024 * 1024 };

/** Chains without filters that keep count of their streams: the proxy alone is under test. */
export class PassThrough {
  started = 0;
  /** `finish` calls per stream; anything but 1 at the end is a defect. */
  readonly finishes: number[] = [];
  /** Response code details, in order of completion. */
  readonly details: (string | undefined)[] = [];
  readonly flags: number[] = [];
  private readonly waiting: (() => void)[] = [];

  readonly factory: ChainFactory = (ends) => {
    const index = this.started++;
    this.finishes.push(0);
    return new CountedChain(ends, () => {
      this.finishes[index]!++;
      this.details.push(ends.info.responseCodeDetails);
      this.flags.push(ends.info.responseFlags);
      for (const wake of this.waiting.splice(0)) wake();
    });
  };

  /** Resolves once that many streams have finished. */
  async finished(count: number): Promise<void> {
    while (this.details.length < count) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }
}

class CountedChain extends FilterChain {
  constructor(
    ends: StreamEnds,
    private readonly onFinish: () => void,
  ) {
    super([], ends, LIMITS);
  }

  override finish(): void {
    super.finish();
    this.onFinish();
  }
}
