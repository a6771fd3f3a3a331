import type { LocalReplyConfig } from "../model";
import type { RawLocalReply } from "../schema/local-reply";
import { convertFilter } from "./access-log";
import { bodyFormat } from "./body-format";
import { mutation } from "./route";

export function convertLocalReply(raw: RawLocalReply | undefined): LocalReplyConfig | undefined {
  if (!raw) return undefined;
  return {
    mappers: (raw.mappers ?? []).map((mapper) => {
      const { inline_bytes: base64, inline_string: text } = mapper.body ?? {};
      const body = base64 === undefined ? text : Buffer.from(base64, "base64");
      return {
        filter: convertFilter(mapper.filter),
        status: mapper.status_code,
        body: typeof body === "string" ? Buffer.from(body) : body,
        bodyFormat: bodyFormat(mapper.body_format_override),
        headers: mutation(mapper.headers_to_add, undefined),
      };
    }),
    bodyFormat: bodyFormat(raw.body_format),
  };
}
