/** Where an issuer publishes its keys. */
export class JwksUri {
  /** Host, with a port if the text has one. */
  authority: string = "";
  path: string = "/";
  private host: string = "";
  private port: string = "";

  /** `error` stands when this is no `http://` or `https://` URI of a host. */
  error: string = "";

  constructor(readonly text: string) {
    const secure = text.startsWith("https://");
    const from = secure ? 8 : 7;
    if (!secure && !text.startsWith("http://")) this.error = "expected http://... or https://...";
    const slash = text.indexOf("/", from);
    const end = slash < 0 ? text.length : slash;
    this.authority = text.substring(from, end);
    if (slash >= 0) this.path = text.substring(slash);
    const bracket = this.authority.lastIndexOf("]");
    const colon = this.authority.lastIndexOf(":");
    const hasPort = colon > bracket;
    this.host = hasPort ? this.authority.substring(0, colon) : this.authority;
    this.port = hasPort ? this.authority.substring(colon + 1) : secure ? "443" : "80";
    if (this.host == "" || this.port == "" || this.authority.includes("?") || hasOddSign(text)) {
      this.error = "expected http://HOST/PATH or https://HOST/PATH";
    }
  }

  /** How Istio calls the cluster of that host. */
  get cluster(): string {
    return `outbound|${this.port}||${this.host}`;
  }
}

/** Spaces and controls break a request; a user or a fragment says nothing to a server. */
function hasOddSign(text: string): bool {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c <= 32 || c > 126 || c == 64 /* @ */ || c == 35 /* # */) return true;
  }
  return false;
}
