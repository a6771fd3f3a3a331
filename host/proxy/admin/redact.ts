/** Fields of a TLS certificate that nobody is shown, not even where they come from. */
const SECRET: ReadonlySet<string> = new Set(["private_key", "password"]);

/** A copy of a configuration as Envoy shows it: what is inside a secret is replaced. */
export function redacted<T>(value: T): T {
  return copy(value, false) as T;
}

function copy(value: unknown, certificate: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => copy(item, certificate));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      certificate && SECRET.has(key) ? blank(item, key) : copy(item, key === "tls_certificates"),
    ]),
  );
}

const WORD = "[redacted]";

function blank(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value.map((item) => blank(item, key));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, blank(item, name)]));
  return key === "inline_bytes" ? Buffer.from(WORD).toString("base64") : WORD;
}
