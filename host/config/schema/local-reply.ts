import * as z from "zod";
import { filter } from "./access-log";
import { formatString } from "./format";
import { headersToAdd } from "./header-mutations";
import { message, oneOf } from "./message";
import { bytes, responseStatus, text } from "./scalars";

const mapper = message(
  { filter },
  {
    status_code: responseStatus,
    body: message({}, { inline_string: text, inline_bytes: bytes }).check(
      oneOf(["inline_string", "inline_bytes"], "required"),
    ),
    body_format_override: formatString,
    headers_to_add: headersToAdd,
  },
);

/** `LocalReplyConfig` */
export const localReply = message({}, { mappers: z.array(mapper), body_format: formatString });

export type RawLocalReply = z.output<typeof localReply>;
