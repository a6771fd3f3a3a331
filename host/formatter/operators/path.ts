import type { HeaderMap } from "../../stores/header-map";
import { cut } from "../cut";
import { FormatError } from "../format-error";
import type { Operator, Operators } from "../scope";

type Source = (headers: HeaderMap) => string | undefined;

/** One of several words, the first of which goes without saying. */
export function choice<T>(operator: string, word: string, of: Readonly<Record<string, T>>): T {
  const words = Object.keys(of);
  const found = word === "" ? words[0]! : word;
  if (Object.hasOwn(of, found)) return of[found]!;
  throw new FormatError(`${operator} knows no "${word}", only ${words.join(", ")}`);
}

const either =
  (first: string, second: string): Source =>
  (headers) =>
    headers.get(first) ?? headers.get(second);
const one =
  (name: string): Source =>
  (headers) =>
    headers.get(name);

const PATHS: Readonly<Record<string, Source>> = {
  ORIG_OR_PATH: either("x-envoy-original-path", ":path"),
  PATH: one(":path"),
  ORIG: one("x-envoy-original-path"),
};

const HOSTS: Readonly<Record<string, Source>> = {
  ORIG_OR_HOST: either("x-envoy-original-host", ":authority"),
  HOST: one(":authority"),
  ORIG: one("x-envoy-original-host"),
};

const PATH: Operator = {
  about: "The path, `WQ` with or `NQ` without its query; Y: `ORIG_OR_PATH`, `ORIG` or `PATH`",
  argument: "optional",
  length: true,
  make(argument, length) {
    const [query = "", source = ""] = argument.split(":");
    const keep = choice("PATH", query, { WQ: true, NQ: false });
    const find = choice("PATH", source, PATHS);
    return ({ info: { requestHeaders } }) => {
      const path = requestHeaders && find(requestHeaders);
      return cut(keep ? path : path?.split("?", 1)[0], length);
    };
  },
};

/** The query of a target; undefined without one. */
function queryOf(path: string | undefined): string | undefined {
  const at = path?.indexOf("?") ?? -1;
  return at < 0 ? undefined : path!.slice(at + 1).split("#", 1)[0];
}

const QUERY_PARAM: Operator = {
  about: "The first value of a query parameter, as it was sent",
  argument: "required",
  length: true,
  make: (name, length) => {
    return ({ info }) => {
      for (const pair of queryOf(info.requestHeaders?.get(":path"))?.split("&") ?? []) {
        const at = pair.indexOf("=");
        if ((at < 0 ? pair : pair.slice(0, at)) === name)
          return cut(at < 0 ? "" : pair.slice(at + 1), length);
      }
      return undefined;
    };
  },
};

/** `%41` becomes `A`; what is no such thing stays. */
const decode = (text: string) =>
  text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

const QUERY_PARAMS: Operator = {
  about: "The whole query, `ORIG` as it was sent or `DECODED`",
  argument: "optional",
  length: true,
  make(argument, length) {
    const decoded = choice("QUERY_PARAMS", argument, { ORIG: false, DECODED: true });
    return ({ info }) => {
      const query = queryOf(info.requestHeaders?.get(":path"));
      return cut(query && decoded ? decode(query) : query, length);
    };
  },
};

/** Whatever stands in no host name is not printed. */
const hostName = (text: string) => text.replace(/[^A-Za-z0-9\-_.]/g, "_");

const REQUESTED_SERVER_NAME: Operator = {
  about:
    "SNI. `SNI_FIRST`: else the request's host; `HOST_FIRST`: that alone. Y: `ORIG_OR_HOST`, `ORIG` or `HOST`",
  argument: "optional",
  make(argument) {
    const [order = "", source = ""] = argument.split(":");
    const how = choice("REQUESTED_SERVER_NAME", order, {
      SNI_ONLY: "sni",
      SNI_FIRST: "both",
      HOST_FIRST: "host",
    });
    const find = choice("REQUESTED_SERVER_NAME", source, HOSTS);
    return ({ info: { connection, requestHeaders } }) => {
      const sni = how === "host" ? "" : connection.requestedServerName;
      const name = sni === "" && how !== "sni" && requestHeaders ? find(requestHeaders) : sni;
      return name ? hostName(name) : undefined;
    };
  },
};

export const PATHS_AND_NAMES: Operators = { PATH, QUERY_PARAM, QUERY_PARAMS, REQUESTED_SERVER_NAME };
