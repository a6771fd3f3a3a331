import { Action, HeaderName, HttpFilter, Pairs } from "proxy-wasm-toolkit/sdk";
import { MISSING, WRONG_AUDIENCE } from "./failure";

const MOST_PATH = 256;

/** The 401 or 403 of a failed login, as Envoy's jwt_authn filter sends it. */
export function refuse(filter: HttpFilter, failure: string, realm: string): Action {
  const challenge = `Bearer realm="${realm}"${failure == MISSING ? "" : ', error="invalid_token"'}`;
  const headers = new Pairs().add("www-authenticate", challenge);
  const details = `jwt_authn_access_denied{${failure.replaceAll(" ", "_")}}`;
  return filter.sendLocalResponse(failure == WRONG_AUDIENCE ? 403 : 401, failure, headers, -1, details);
}

const SCHEME = new HeaderName(":scheme");
const HOST = new HeaderName(":authority");
const PATH = new HeaderName(":path");
const ORIGINAL_PATH = new HeaderName("x-envoy-original-path");

/** The URL the client asked for, its path cut. */
export function realmOf(headers: Pairs): string {
  const original = headers.indexOf(ORIGINAL_PATH);
  const path = original < 0 ? headers.indexOf(PATH) : original;
  if (path < 0) return "";
  return `${first(headers, SCHEME)}://${first(headers, HOST)}${headers.valueBytes(path).slice(0, MOST_PATH).toString()}`;
}

function first(headers: Pairs, name: HeaderName): string {
  const at = headers.indexOf(name);
  return at < 0 ? "" : headers.value(at);
}
