import { Bytes, HeaderName, HttpRequest, Pairs } from "proxy-wasm-toolkit/sdk";
import { parametersOf, withoutParameter } from "./query";

/** A token as a request brought it. */
export class FoundToken {
  constructor(
    readonly text: string,
    private readonly source: Source,
  ) {}

  /** Takes it out of the request, so that the application does not see it. */
  remove(request: HttpRequest): void {
    this.source.remove(request);
  }
}

/** A place where tokens are looked for. */
export abstract class Source {
  /** Places of one kind are looked at in the order of their names. */
  constructor(readonly order: string) {}

  abstract find(headers: Pairs, into: FoundToken[]): void;

  remove(request: HttpRequest): void {}
}

/** A header. The token is what follows the prefix, wherever in the value that stands. */
export class HeaderSource extends Source {
  private readonly prefix: Bytes;

  constructor(
    private readonly name: HeaderName,
    prefix: string,
  ) {
    super(name.text + prefix);
    this.prefix = Bytes.of(prefix);
  }

  find(headers: Pairs, into: FoundToken[]): void {
    const values = headers.valuesBytes(this.name);
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (this.prefix.length == 0) into.push(new FoundToken(value.toString(), this));
      else {
        const at = value.indexOf(this.prefix);
        if (at >= 0) into.push(new FoundToken(tokenFrom(value, at + this.prefix.length).toString(), this));
      }
    }
  }

  remove(request: HttpRequest): void {
    request.headers.remove<HeaderName>(this.name);
  }
}

const PATH = new HeaderName(":path");

/** A parameter of the query. */
export class ParameterSource extends Source {
  constructor(private readonly name: string) {
    super(name);
  }

  find(headers: Pairs, into: FoundToken[]): void {
    const target = headers.get(":path");
    if (target == null) return;
    const value = parametersOf(target).get(this.name);
    if (value != null) into.push(new FoundToken(value, this));
  }

  remove(request: HttpRequest): void {
    const target = request.headers.get<HeaderName>(PATH);
    if (target != null) request.headers.replace<HeaderName>(PATH, withoutParameter(target, this.name));
  }
}

const COOKIE = new HeaderName("cookie");

/** A cookie. It is never taken out: the header is the application's too. */
export class CookieSource extends Source {
  constructor(private readonly name: string) {
    super(name);
  }

  /** The first cookie of that name counts. */
  find(headers: Pairs, into: FoundToken[]): void {
    const lines = headers.values(COOKIE);
    for (let i = 0; i < lines.length; i++) {
      const value = cookieIn(lines[i], this.name);
      if (value == null) continue;
      into.push(new FoundToken(value, this));
      return;
    }
  }
}

/** Value of a cookie without quotes around it, or null. */
function cookieIn(cookies: string, name: string): string | null {
  for (let at = 0; at < cookies.length; ) {
    const semicolon = cookies.indexOf(";", at);
    const end = semicolon < 0 ? cookies.length : semicolon;
    while (at < end && cookies.charCodeAt(at) == 32) at++;
    const equals = at + name.length;
    if (equals < end && cookies.charCodeAt(equals) == 61 && cookies.startsWith(name, at)) {
      const value = cookies.substring(equals + 1, end);
      const quoted = value.length > 1 && value.startsWith('"') && value.endsWith('"');
      return quoted ? value.substring(1, value.length - 1) : value;
    }
    at = end + 1;
  }
  return null;
}

/** From the first sign a token can have; the whole value when there is none. */
function tokenFrom(value: Bytes, from: i32): Bytes {
  for (let i = from; i < value.length; i++) if (isTokenSign(value.at(i))) return value.slice(i);
  return value;
}

function isTokenSign(c: u8): bool {
  const folded = c | 32;
  if (folded >= 97 && folded <= 122) return true;
  return (c >= 48 && c <= 57) || c == 45 || c == 46 || c == 95;
}
