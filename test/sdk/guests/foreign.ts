import {
  Action,
  Bytes,
  callForeignFunction,
  compress,
  declareProperty,
  Expression,
  filterState,
  foreignStatus,
  getPropertyString,
  HttpFilter,
  LifeSpan,
  RootContext,
  registerHttp,
  SignatureKey,
  setFilterState,
  setProperty,
  sign,
  uncompress,
  verifySignature,
} from "proxy-wasm-toolkit/sdk";
import { decodeBase64, encodeBase64 } from "proxy-wasm-toolkit/sdk/text/base64";
import { JsonKind, JsonValue, parseJson } from "proxy-wasm-toolkit/sdk/text/json";

/** What the proxy's foreign functions do, by path; the answer is the body. */
class Root extends RootContext {
  config: JsonValue = new JsonValue(JsonKind.Null);
  declared: string = "";
  rule: Expression | null = null;

  onConfigure(config: string): string | null {
    const tree = parseJson(config).value;
    if (tree == null) return "no keys";
    this.config = tree;
    const span = LifeSpan.Connection;
    this.declared = `${declareProperty("lasting", span)} ${declareProperty("once", LifeSpan.Request, true)} ${declareProperty("once")}`;
    this.rule = Expression.compile("request.method + ' ' + request.path");
    return null;
  }

  text(key: string): string {
    const value = this.config.get(key);
    return value == null ? "" : value.text;
  }

  bytes(key: string): Bytes {
    const bytes = decodeBase64(this.text(key));
    return bytes == null ? Bytes.of("") : bytes;
  }
}

class Foreign extends HttpFilter {
  onRequestHeaders(): Action {
    return this.sendLocalResponse(200, this.answer(this.request.urlPath || ""));
  }

  answer(path: string): string {
    const root = this.root as Root;
    if (path == "/unknown") {
      const nothing = callForeignFunction("no_such_function", Bytes.of(""));
      return `${nothing == null} ${foreignStatus()}`;
    }
    if (path == "/compress") {
      const text = "again and again ".repeat(200);
      const packed = compress(Bytes.of(text));
      if (packed == null) return `no ${foreignStatus()}`;
      const unpacked = uncompress(packed);
      const same = unpacked != null && unpacked.toString() == text;
      const corrupt = uncompress(Bytes.of("no stream")) == null;
      return `${packed.length < 200} ${same} ${corrupt} ${foreignStatus()}`;
    }
    if (path == "/verify") return this.verify(root);
    if (path == "/sign") {
      const made = sign("sha256", SignatureKey.pem(root.text("private")), Bytes.of("signed text"));
      const bad = sign("sha256", SignatureKey.pem("no key"), Bytes.of("signed text"));
      return `${made.ok} ${made.error.length} ${encodeBase64(made.signature)} ${bad.ok} ${bad.error.length > 0}`;
    }
    if (path == "/declare") {
      const before = getPropertyString("lasting");
      setProperty("lasting", "still here");
      return `${root.declared} ${before == null ? "null" : before} ${setProperty("once", "1")} ${setProperty("once", "2")}`;
    }
    if (path == "/filter-state") {
      const status = setFilterState("envoy.string", "mine");
      const value = filterState("envoy.string").text;
      return `${status} ${value == null ? "null" : value} ${setFilterState("no.such.key", "x")}`;
    }
    if (path == "/expression") return this.expression(root);
    return "?";
  }

  verify(root: Root): string {
    const pem = SignatureKey.pem(root.text("pem"));
    const text = Bytes.of("signed text");
    const good = verifySignature("sha256", pem, root.bytes("signature"), text);
    const other = verifySignature("sha256", pem, root.bytes("signature"), Bytes.of("other text"));
    const hash = verifySignature("md0", pem, root.bytes("signature"), text);
    const key = verifySignature("sha256", SignatureKey.pem("no key"), root.bytes("signature"), text);
    const der = verifySignature("sha256", SignatureKey.der(root.bytes("der")), root.bytes("signature"), text);
    const curve = verifySignature(
      "sha256",
      SignatureKey.pem(root.text("ecPem")),
      root.bytes("ecSignature"),
      text,
    );
    return [
      `${good.ok} ${good.error}`,
      `${other.ok} ${other.error}`,
      `${hash.ok} ${hash.error}`,
      `${key.ok} ${key.error}`,
      `${der.ok} ${der.error}`,
      `${curve.ok} ${curve.error}`,
    ].join("\n");
  }

  expression(root: Root): string {
    const rule = root.rule;
    if (rule == null) return "no rule";
    const text = rule.text;
    const yes = Expression.compile("1 < 2");
    const absent = Expression.compile("request.headers['x-none'] == 'a'");
    const wrong = Expression.compile("1 <");
    const holds = yes != null && yes.holds;
    const fails = absent != null && absent.evaluate() == null && !absent.holds;
    const freed = yes == null ? -1 : <i32>yes.free();
    return `${text == null ? "null" : text} ${holds} ${fails} ${wrong == null} ${freed} ${yes != null && yes.evaluate() == null}`;
  }
}
registerHttp<Foreign, Root>("foreign");
