import { Bytes, dynamicMetadata, PropertyPath } from "proxy-wasm-toolkit/sdk";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";
import { listOf, textOf } from "./untyped";

/**
 * What a request's verified token says. Numbers, booleans and objects are no texts: no policy matches them, not even `*`.
 * What is here has been verified by whoever made it; without a token there is none.
 */
export abstract class Claims {
  /** A claim that is a text, by the way to it; null = missing, or of another kind. */
  abstract text(path: string[]): string | null;

  /** A claim that is a text or a list: the text, or the texts in the list. */
  abstract texts(path: string[]): string[];

  /** `iss/sub`, as Istio calls who made the request; null unless both are there. */
  get requestPrincipal(): string | null {
    const iss = this.text(["iss"]);
    const sub = this.text(["sub"]);
    return iss == null || sub == null ? null : `${iss}/${sub}`;
  }
}

/** The payload of a token this filter has verified, lists written as words taken apart; null = there was none. */
export class JsonClaims extends Claims {
  constructor(private readonly payload: JsonValue | null) {
    super();
  }

  text(path: string[]): string | null {
    const value = this.find(path);
    return value != null && value.isText ? value.text : null;
  }

  texts(path: string[]): string[] {
    const value = this.find(path);
    if (value == null) return [];
    if (value.isText) return [value.text];
    const found: string[] = [];
    const items = value.isList ? value.items : [];
    for (let i = 0; i < items.length; i++) if (items[i].isText) found.push(items[i].text);
    return found;
  }

  private find(path: string[]): JsonValue | null {
    let value = this.payload;
    for (let i = 0; i < path.length && value != null; i++) value = value.get(path[i]);
    return value;
  }
}

/** What Envoy's own jwt_authn filter in front of this one has verified, in the stream's dynamic metadata. */
export class MetadataClaims extends Claims {
  private readonly payload: PropertyPath = dynamicMetadata("envoy.filters.http.jwt_authn").at("payload");

  text(path: string[]): string | null {
    return textOf(this.find(path));
  }

  texts(path: string[]): string[] {
    const value = this.find(path);
    const list = listOf(value);
    if (list != null) return list;
    const text = textOf(value);
    return text == null ? [] : [text];
  }

  private find(path: string[]): Bytes | null {
    let at = this.payload;
    for (let i = 0; i < path.length; i++) at = at.at(path[i]);
    return at.raw;
  }
}
