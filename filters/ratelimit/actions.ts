import { HeaderName } from "proxy-wasm-toolkit/sdk";
import { HeaderMatch } from "./header-match";
import { RequestFacts } from "./request";

/** Between the key and the value of an entry, and after each entry; neither can stand in a header or a file. */
const EQUALS = "\u0000";
const END = "\u0001";

/** One entry of a descriptor as text, so that descriptors are equal when their texts are. */
export function entryText(key: string, value: string): string {
  return key + EQUALS + value + END;
}

/** Makes one entry of a request's descriptor. */
export abstract class Action {
  /** The entry; "" = none, the others go on; null = there is no descriptor. */
  abstract entry(request: RequestFacts): string | null;
}

export class RequestHeader extends Action {
  constructor(
    private readonly name: HeaderName,
    private readonly key: string,
    private readonly skipIfAbsent: bool,
  ) {
    super();
  }

  entry(request: RequestFacts): string | null {
    // Of a repeated header Envoy takes the first line.
    const at = request.pairs.indexOf(this.name);
    if (at >= 0) return entryText(this.key, request.pairs.value(at));
    return this.skipIfAbsent ? "" : null;
  }
}

export class RemoteAddress extends Action {
  entry(request: RequestFacts): string | null {
    const address = request.address;
    return address == null ? null : entryText("remote_address", address);
  }
}

export class GenericKey extends Action {
  constructor(
    private readonly key: string,
    private readonly value: string,
  ) {
    super();
  }

  entry(_request: RequestFacts): string | null {
    return entryText(this.key, this.value);
  }
}

export class HeaderValueMatch extends Action {
  constructor(
    private readonly key: string,
    private readonly value: string,
    private readonly expected: bool,
    private readonly headers: HeaderMatch[],
  ) {
    super();
  }

  entry(request: RequestFacts): string | null {
    let all = true;
    for (let i = 0; i < this.headers.length && all; i++) all = this.headers[i].holds(request);
    return all == this.expected ? entryText(this.key, this.value) : null;
  }
}

/** Actions that together make a descriptor. */
export class RateLimit {
  readonly actions: Action[] = [];

  /** The descriptor's text, or null when some action has nothing to say. */
  descriptor(request: RequestFacts): string | null {
    let text = "";
    for (let i = 0; i < this.actions.length; i++) {
      const entry = this.actions[i].entry(request);
      if (entry == null) return null;
      text += entry;
    }
    return text == "" ? null : text;
  }
}
