import { Status } from "../abi/status";
import { Bytes } from "../memory/bytes";
import { callForeignFunction, foreignStatus } from "./foreign";

/**
 * A CEL expression over the attributes of a stream, compiled once by the proxy. Make it in a root's `onConfigure`, keep it
 * in a field, evaluate it in any callback of that plugin's streams.
 * @example
 * const rule = Expression.compile("request.method == 'GET' && request.path.startsWith('/public')");
 */
export class Expression {
  private constructor(private token: Bytes) {}

  /** Null when the text is no expression, or the proxy has no CEL. */
  static compile(text: string): Expression | null {
    const token = callForeignFunction("expr_create", Bytes.of(text));
    return token == null || token.length != 4 ? null : new Expression(token);
  }

  /** The value now, encoded like a property; null when the evaluation fails, e.g. on an absent attribute. */
  evaluate(): Bytes | null {
    return callForeignFunction("expr_evaluate", this.token);
  }

  /** Whether the value is true; a failure is false. */
  get holds(): bool {
    const value = this.evaluate();
    return value != null && value.length == 1 && value.at(0) != 0;
  }

  /** The value of a text expression, or null. */
  get text(): string | null {
    const value = this.evaluate();
    return value == null ? null : value.toString();
  }

  /** Frees it in the proxy; it cannot be evaluated any more. */
  free(): Status {
    callForeignFunction("expr_delete", this.token);
    return foreignStatus();
  }
}
