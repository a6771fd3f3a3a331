import { join } from "node:path";
import * as z from "zod";
import type { ConfigIssue, SourcePosition } from "../../errors";
import { readIssues } from "../issues";
import { type FieldPath, formatPath } from "../path";
import { locate, type Source, toCamel } from "../yaml";
import { faultConfig, httpFault } from "./fault";
import { NATIVE_FILTERS } from "./native-filters";
import { rateLimitConfig } from "./rate-limit";
import { networkRbacConfig, rbacConfig } from "./rbac";
import type { Json, Translation } from "./translation";

/** A filter of Envoy's own that a filter of this project has taken the place of. */
export interface Substitution {
  position: SourcePosition;
  path: string;
  /** Envoy's name of the filter's type. */
  native: string;
  /** The filter that does its work, and the configuration it was given. */
  filter: string;
  configuration: Json;
}

const TYPE = "type.googleapis.com/envoy.extensions.filters";

/** A filter's message, in snake_case and as it was written, and where it stands. */
interface Native {
  plain: Json;
  written: Json;
  at: FieldPath;
}

/** Undefined: it cannot be translated, which has been reported. */
type Translate = (native: Native, report: Substituter) => Translation | undefined;

/** Maps in RBAC have names of the user's own, which the file's one spelling must not reach: it is read as it was written. */
const TRANSLATIONS: Readonly<Record<string, Translate>> = {
  [`${TYPE}.http.fault.v3.HTTPFault`]: ({ plain, at }, report) => {
    const fault = report.checked(plain, at);
    return fault && faultConfig(fault);
  },
  [`${TYPE}.http.local_ratelimit.v3.LocalRateLimit`]: ({ plain }) => rateLimitConfig(plain),
  [`${TYPE}.http.rbac.v3.RBAC`]: ({ written }) => rbacConfig(written),
  [`${TYPE}.network.rbac.v3.RBAC`]: ({ written }) => networkRbacConfig(written),
};

/** Puts our filters in the place of Envoy's own, in a plain tree with field names in snake_case. */
export class Substituter {
  readonly done: Substitution[] = [];
  readonly issues: ConfigIssue[] = [];

  constructor(
    private readonly source: Source,
    /** The file as it was written. */
    private readonly written: unknown,
    /** Where the modules are. */
    private readonly folder: string,
  ) {}

  /** Changes `tree`, the whole file. */
  run(tree: unknown): void {
    this.visit(tree, []);
  }

  private visit(value: unknown, path: FieldPath): void {
    if (typeof value !== "object" || value === null) return;
    const entry = value as Json;
    const native = entry.typed_config as Json | undefined;
    const filter = NATIVE_FILTERS[String(native?.["@type"])];
    const listed = typeof path.at(-1) === "number" && /^(http_)?filters$/.test(String(path.at(-2)));
    if (native && filter !== undefined && listed) this.replace(entry, native, filter, path);
    else
      for (const [key, item] of Object.entries(value))
        this.visit(item, [...path, Array.isArray(value) ? Number(key) : key]);
  }

  private replace(entry: Json, native: Json, filter: string, path: FieldPath): void {
    const type = String(native["@type"]);
    const at = [...path, "typed_config"];
    // What could not be translated has been reported; a second complaint about the type would only confuse.
    const { configuration, problems } = TRANSLATIONS[type]?.(
      { plain: native, written: valueAt(this.written, at), at },
      this,
    ) ?? { configuration: {}, problems: [] };
    for (const { path: field, message } of problems) this.fail([...at, ...field], message);
    entry.typed_config = wasmConfig(type, filter, join(this.folder, `${filter}.wasm`), configuration);
    const position = locate(this.source, path, "value");
    this.done.push({
      position,
      path: formatPath(path),
      native: type.replace(/^.*\//, ""),
      filter,
      configuration,
    });
  }

  /** A message that is what it should be; what it is not is reported. */
  checked(native: Json, at: FieldPath) {
    const { data, error } = httpFault.safeParse(native);
    if (data) return data;
    const issues = error.issues.map((issue) => ({ ...issue, path: [...at, ...issue.path] }));
    const found = readIssues(
      new z.ZodError(issues),
      this.source,
      {},
      httpFault,
      "filters/fault has nothing for this",
    );
    this.issues.push(...found.errors, ...found.unsupported.map(({ issue }) => issue));
    return undefined;
  }

  private fail(path: FieldPath, message: string): void {
    const position = locate(this.source, path, "key");
    this.issues.push({ position, path: formatPath(path), message });
  }
}

function wasmConfig(native: string, filter: string, filename: string, configuration: Json): Json {
  const layer = native.startsWith(`${TYPE}.network.`) ? "network" : "http";
  return {
    "@type": `${TYPE}.${layer}.wasm.v3.Wasm`,
    config: {
      name: filter,
      root_id: filter,
      vm_config: { vm_id: filter, runtime: "envoy.wasm.runtime.v8", code: { local: { filename } } },
      configuration: {
        "@type": "type.googleapis.com/google.protobuf.StringValue",
        value: JSON.stringify(configuration),
      },
    },
  };
}

/** A message by its path in snake_case, in a tree that may have either spelling. */
function valueAt(tree: unknown, path: FieldPath): Json {
  let value = tree as Json;
  for (const part of path) {
    const fields = value as Record<string | number, Json | undefined>;
    value = fields[part] ?? fields[toCamel(String(part))] ?? {};
  }
  return value;
}
