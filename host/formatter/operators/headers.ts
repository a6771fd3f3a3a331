import type { HeaderMap } from "../../stores/header-map";
import type { StreamInfo } from "../../stores/stream-info";
import { cut } from "../cut";
import { FormatError } from "../format-error";
import type { Operator, Operators } from "../scope";
import { plain } from "../scope";

type Pick = (info: StreamInfo) => HeaderMap | undefined;

/** Characters of a token, and `:` for pseudo-headers. */
const NAME = /^[a-z0-9!#$%&'*+\-.^_`|~:]*$/;

/** `X?Y`: the header X, or Y when there is no X. The first of several values. */
function header(about: string, pick: Pick): Operator {
  return {
    about,
    argument: "required",
    length: true,
    make(argument, length) {
      const [main = "", other = "", ...more] = argument.toLowerCase().split("?");
      if (more.length > 0) throw new FormatError(`more than one alternative header in "${argument}"`);
      for (const name of [main, other])
        if (!NAME.test(name)) throw new FormatError(`"${name}" is no header name`);
      return ({ info }) => {
        const map = pick(info);
        return cut(map && (map.get(main) ?? (other === "" ? undefined : map.get(other))), length);
      };
    },
  };
}

const ofRequest = header("A header of the request: `X`, or `Y` without it", (info) => info.requestHeaders);
const ofResponse = header("A header of the response", (info) => info.responseHeaders);
const ofTrailers = header("A trailer of the response", (info) => info.responseTrailers);

const size = (pick: Pick) => (scope: { info: StreamInfo }) => pick(scope.info)?.byteSize ?? 0;

export const HEADERS: Operators = {
  REQ: ofRequest,
  REQUEST_HEADER: ofRequest,
  RESP: ofResponse,
  RESPONSE_HEADER: ofResponse,
  TRAILER: ofTrailers,
  RESPONSE_TRAILER: ofTrailers,
  REQUEST_HEADERS_BYTES: plain(
    "Bytes of the request's header names and values",
    size((info) => info.requestHeaders),
  ),
  RESPONSE_HEADERS_BYTES: plain(
    "Bytes of the response's header names and values",
    size((info) => info.responseHeaders),
  ),
  RESPONSE_TRAILERS_BYTES: plain(
    "Bytes of the response's trailer names and values",
    size((info) => info.responseTrailers),
  ),
};
