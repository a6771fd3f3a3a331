/**
 * What `proxy_get_status` reads: how the last call of a root failed. The message is there during the callback that
 * tells of it; the code is sticky, later successes leave it as it is.
 */
export class CallStatus {
  private current = { code: 0, message: "" };

  get code(): number {
    return this.current.code;
  }

  get message(): string {
    return this.current.message;
  }

  /** Runs the callback that tells of a failure. */
  during(code: number, message: string, callback: () => void): void {
    this.current = { code, message };
    callback();
    this.current = { code, message: "" };
  }
}
