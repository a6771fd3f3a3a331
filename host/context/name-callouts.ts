import { isIPv6 } from "node:net";
import type { RootContext } from "./root-context";

/** Questions of one root that wait for an answer; more are refused. */
const MAX_WAITING = 1000;

/** What a root has asked for by `envoy_resolve_dns`; answers come as `envoy_on_resolve_dns`, with buffer 8. */
export class NameCallouts {
  private waiting = 0;
  private closed = false;
  /** The answer while it is told. */
  answer: Buffer | undefined;

  constructor(private readonly root: RootContext) {}

  /** The token of the question; undefined when there is nobody to ask. */
  resolve(name: string): number | undefined {
    const { instance } = this.root;
    const { names } = instance.deps;
    if (!names || this.waiting >= MAX_WAITING) return undefined;
    const token = instance.nextNameToken();
    this.waiting++;
    names.resolve(name, (addresses) => {
      this.waiting--;
      if (!this.closed && !instance.failed) this.tell(token, addresses ? encode(addresses) : Buffer.alloc(0));
    });
    return token;
  }

  private tell(token: number, answer: Buffer): void {
    this.answer = answer;
    this.root.instance.invoke(this.root, "envoy_on_resolve_dns", token, answer.length);
    this.answer = undefined;
  }

  /** The root is gone: nobody is told. */
  dispose(): void {
    this.closed = true;
  }
}

/** Number of addresses, seconds each may be kept, the addresses with port 0 and a NUL each. */
function encode(addresses: readonly string[]): Buffer {
  // How long an answer holds Node does not say.
  const numbers = Buffer.alloc(4 + 4 * addresses.length);
  numbers.writeUInt32LE(addresses.length);
  const text = addresses.map((address) => `${isIPv6(address) ? `[${address}]` : address}:0\0`);
  return Buffer.concat([numbers, Buffer.from(text.join(""), "latin1")]);
}
