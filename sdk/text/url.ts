/** Path of a request target without query and fragment. */
export function pathOnly(target: string): string {
  for (let i = 0; i < target.length; i++) {
    const c = target.charCodeAt(i);
    if (c == 63 || c == 35) return target.substring(0, i);
  }
  return target;
}

/** First value of a query parameter, undecoded; null when it is missing, "" when it has no value. */
export function queryParameter(target: string, name: string): string | null {
  const at = target.indexOf("?");
  if (at < 0) return null;
  const hash = target.indexOf("#", at);
  const query = hash < 0 ? target.substring(at + 1) : target.substring(at + 1, hash);
  const parts = query.split("&");
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    const equals = part.indexOf("=");
    const key = equals < 0 ? part : part.substring(0, equals);
    if (key == name) return equals < 0 ? "" : part.substring(equals + 1);
  }
  return null;
}
