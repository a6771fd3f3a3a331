import { RE2JS } from "re2js";
import type { AdminQuery, AdminReply } from "./admin-server";

/** Reads `?filter=`: a test for names, or the 400 to answer with. */
export function nameFilter(query: AdminQuery): ((name: string) => boolean) | AdminReply {
  const pattern = query.get("filter");
  if (pattern === undefined || pattern === "") return () => true;
  try {
    const compiled = RE2JS.compile(pattern);
    return (name) => compiled.matcher(name).find();
  } catch (error) {
    const reason =
      error instanceof Error
        ? error.message.replace(/^error parsing regexp: /, "").replace("missing closing )", "missing )")
        : String(error);
    return { status: 400, body: `Invalid re2 regex: ${reason.replaceAll("`", "")}` };
  }
}
