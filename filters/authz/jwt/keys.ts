import { RootContext } from "proxy-wasm-toolkit/sdk";
import { Jwks } from "./jwks";
import { Token } from "./token";

/** A request that waits for keys. */
export interface Waiter {
  /** Who asks for the keys: the answer is everybody's, not this request's. */
  asker(): RootContext;

  /** Keys have come, or will not; asking again gives another answer than to wait. */
  resume(): void;
}

/** What `Keys.failure` answers while keys are on their way. No failure of Envoy's has a line break. */
export const WAIT = "\n";

/** The keys of a rule. */
export abstract class Keys {
  /** Why the signature is not good, "" when it is, `WAIT` when the waiter will be told to ask again. */
  abstract failure(token: Token, waiter: Waiter): string;
}

/** Keys that stand in the configuration. */
export class LocalKeys extends Keys {
  constructor(private readonly jwks: Jwks) {
    super();
  }

  failure(token: Token, waiter: Waiter): string {
    return this.jwks.failure(token);
  }
}
