import type { Format } from "../../formatter/text-format";
import type { LogFilterConfig } from "./access-log";
import type { HeaderMutation } from "./common";

/** What the body of a local reply is made into. */
export interface BodyFormat {
  format: Format;
  contentType: string;
}

/** `local_reply_config`: what becomes of the replies that the proxy makes itself. */
export interface LocalReplyConfig {
  /** The first that fits has its say. */
  mappers: LocalReplyMapper[];
  bodyFormat: BodyFormat | undefined;
}

export interface LocalReplyMapper {
  filter: LogFilterConfig;
  status: number | undefined;
  body: Buffer | undefined;
  bodyFormat: BodyFormat | undefined;
  headers: HeaderMutation;
}
