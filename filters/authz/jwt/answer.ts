import { HttpRequest } from "proxy-wasm-toolkit/sdk";
import { MISSING, WRONG_AUDIENCE } from "./failure";

const MOST_PATH = 256;

/** The 401 or 403 of a failed login, as Envoy's jwt_authn filter sends it. */
export class Refusal {
  readonly status: u32;
  readonly challenge: string;
  readonly details: string;

  constructor(
    readonly text: string,
    realm: string,
  ) {
    this.status = text == WRONG_AUDIENCE ? 403 : 401;
    this.challenge = `Bearer realm="${realm}"${text == MISSING ? "" : ', error="invalid_token"'}`;
    this.details = `jwt_authn_access_denied{${text.replaceAll(" ", "_")}}`;
  }
}

/** The URL the client asked for, its path cut; to be taken before anything is changed in the request. */
export function realmOf(request: HttpRequest): string {
  const headers = request.headers;
  const scheme = headers.get(":scheme");
  const host = headers.get(":authority");
  const original = headers.get("x-envoy-original-path");
  const path = original == null ? headers.get(":path") : original;
  if (path == null) return "";
  return `${scheme == null ? "" : scheme}://${host == null ? "" : host}${path.substring(0, MOST_PATH)}`;
}
