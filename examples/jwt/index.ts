import {
  Action,
  Bytes,
  currentTime,
  HttpFilter,
  Pairs,
  RootContext,
  registerHttp,
  SignatureKey,
  verifySignature,
} from "proxy-wasm-toolkit/sdk";
import { decodeBase64Url } from "proxy-wasm-toolkit/sdk/text/base64";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue, parseJson } from "proxy-wasm-toolkit/sdk/text/json";

const KNOWN: string[] = ["issuer", "publicKey"];

/** `{"issuer": "https://issuer.example", "publicKey": "-----BEGIN PUBLIC KEY-----\n..."}` */
class Issuer extends RootContext {
  issuer: string = "";
  key: SignatureKey = SignatureKey.pem("");

  onConfigure(config: string): string | null {
    const fields = new Fields();
    const root = fields.parse(config, KNOWN);
    if (root == null) return fields.refusal;
    this.issuer = fields.text(root.get("issuer"), "issuer");
    this.key = SignatureKey.pem(fields.text(root.get("publicKey"), "publicKey"));
    return fields.refusal;
  }
}

/** Requires a token signed with RS256 by the issuer; the proxy's own cryptography checks the signature. */
class Jwt extends HttpFilter {
  onRequestHeaders(): Action {
    const headers = this.request.headers;
    headers.remove("x-subject");
    const credentials = headers.getAll("authorization");
    if (credentials.length != 1 || !credentials[0].startsWith("Bearer ")) return this.refuse("no token");
    const parts = credentials[0].substring(7).split(".");
    if (parts.length != 3) return this.refuse("not a token");

    const head = objectOf(parts[0]);
    const claims = objectOf(parts[1]);
    const signature = decodeBase64Url(parts[2]);
    if (head == null || claims == null || signature == null) return this.refuse("not a token");
    // The header comes from the client: it may not choose how it is checked.
    if (textOf(head, "alg") != "RS256") return this.refuse("wrong algorithm");

    const issuer = this.root as Issuer;
    const signed = Bytes.of(`${parts[0]}.${parts[1]}`);
    if (!verifySignature("sha256", issuer.key, signature, signed).ok) return this.refuse("wrong signature");
    if (textOf(claims, "iss") != issuer.issuer) return this.refuse("wrong issuer");
    const expiry = claims.get("exp");
    const now = <f64>(currentTime() / 1000000000);
    if (expiry == null || !expiry.isNumber || expiry.number <= now) return this.refuse("expired");

    headers.add("x-subject", textOf(claims, "sub"));
    return Action.Continue;
  }

  private refuse(why: string): Action {
    const challenge = new Pairs().add(
      "www-authenticate",
      `Bearer error="invalid_token", error_description="${why}"`,
    );
    return this.sendLocalResponse(401, `${why}\n`, challenge);
  }
}
registerHttp<Jwt, Issuer>("jwt");

/** The JSON object in a part of a token, or null. */
function objectOf(part: string): JsonValue | null {
  const bytes = decodeBase64Url(part);
  if (bytes == null) return null;
  const value = parseJson(bytes.toString()).value;
  return value != null && value.isObject ? value : null;
}

function textOf(object: JsonValue, key: string): string {
  const value = object.get(key);
  return value != null && value.isText ? value.text : "";
}
