/** Who asks for a message to be held back. */
export enum HoldReason {
  Chain = 1,
  Peer = 2,
  /** There is no connection to pass bytes on to yet. */
  Connect = 4,
}

/** A message is held back while anybody wants it so. */
export class Hold {
  private reasons = 0;

  /** `onChange` hears only of real changes. */
  constructor(private readonly onChange: (held: boolean) => void) {}

  set(reason: HoldReason, on: boolean): void {
    const before = this.reasons;
    this.reasons = on ? before | reason : before & ~reason;
    if ((before === 0) !== (this.reasons === 0)) this.onChange(this.reasons !== 0);
  }
}
