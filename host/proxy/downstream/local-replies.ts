import type { BodyFormat, LocalReplyConfig, LocalReplyMapper } from "../../config/model";
import type { FormatScope } from "../../formatter/scope";
import type { HeaderMap } from "../../stores/header-map";
import type { RewrittenReply } from "../../stream/filter";
import { type LogFilter, logFilter } from "../access-log/log-filter";
import { mutateHeaders } from "../router/header-mutation";

/** The body in a format; headers as they are by then. */
export function formatBody({ format }: BodyFormat, body: Buffer, { info, clock }: FormatScope): Buffer {
  const text = format.format({ info, clock, localReplyBody: body.toString("latin1") });
  return Buffer.from(text, "latin1");
}

/** What `local_reply_config` makes of the replies of a connection manager. */
export class LocalReplies {
  private readonly mappers: readonly { fits: LogFilter; mapper: LocalReplyMapper }[];

  constructor(private readonly config: LocalReplyConfig) {
    this.mappers = config.mappers.map((mapper) => ({ fits: logFilter(mapper.filter), mapper }));
  }

  /** Changes headers in place; filters and formats see the status that the reply would have. */
  rewrite(headers: HeaderMap, status: number, body: Buffer, scope: FormatScope): RewrittenReply {
    const { info, clock } = scope;
    info.responseHeaders = headers;
    info.responseCode = status;
    const found = this.mappers.find(({ fits }) => fits({ info, clock, logType: "NotSet" }))?.mapper;
    const reply: RewrittenReply = { status, body: found?.body ?? body, contentType: "text/plain" };
    if (found) {
      mutateHeaders(headers, [found.headers], scope);
      reply.status = found.status ?? status;
      headers.set(":status", String(reply.status));
      info.responseCode = reply.status;
    }
    const format = found?.bodyFormat ?? this.config.bodyFormat;
    if (!format) return reply;
    return { ...reply, body: formatBody(format, reply.body, scope), contentType: format.contentType };
  }
}
