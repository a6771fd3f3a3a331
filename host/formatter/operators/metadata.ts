import type { Metadata, StreamInfo } from "../../stores/stream-info";
import { cut } from "../cut";
import { FormatError } from "../format-error";
import type { Operator, Operators, Reader } from "../scope";
import { bytesOf, type FormatValue, Tree, textOf } from "../value";

type Pick = (info: StreamInfo) => Metadata | undefined;

/** What stands at the end of a path; undefined when the path leads nowhere. */
function find(metadata: Metadata | undefined, path: readonly string[]): FormatValue {
  let at: unknown = metadata;
  for (const step of path) {
    if (typeof at !== "object" || at === null || Array.isArray(at) || !Object.hasOwn(at, step))
      return undefined;
    at = (at as Record<string, unknown>)[step];
  }
  if (at === undefined || at === null) return undefined;
  return new Tree(at);
}

/** A length cuts lines of text; in typed JSON text is cut, and nothing else. */
function shortened(value: FormatValue, length: number | undefined): FormatValue {
  if (length === undefined || !(value instanceof Tree)) return value;
  return cut(textOf(value), length);
}

function reader(pick: Pick, path: string, length: number | undefined): Reader {
  // The path came as bytes; names in the configuration are text.
  const steps = Buffer.from(path, "latin1").toString("utf8").split(":");
  return ({ info }) => {
    const value = find(pick(info), steps);
    if (value instanceof Tree && typeof value.json === "string") return cut(bytesOf(value.json), length);
    return shortened(value, length);
  };
}

const ofKind = (about: string, pick: Pick, length?: true): Operator => ({
  about,
  argument: "required",
  ...(length && { length }),
  make: (path, limit) => reader(pick, path, limit),
});

const none: Pick = () => undefined;
const ofCluster: Pick = (info) => info.route()?.clusterMetadata;
const ofHost: Pick = ({ upstream }) => upstream.metadata;

const KINDS: Readonly<Record<string, Pick>> = {
  DYNAMIC: none,
  CLUSTER: ofCluster,
  ROUTE: (info) => info.route()?.routeMetadata,
  UPSTREAM_HOST: ofHost,
  LISTENER: ({ listener }) => listener.metadata,
  LISTENER_FILTER_CHAIN: none,
  VIRTUAL_HOST: (info) => info.route()?.virtualHostMetadata,
};

const METADATA: Operator = {
  about: `One of ${Object.keys(KINDS)
    .map((kind) => `\`${kind}\``)
    .join(", ")}, then a namespace and keys`,
  argument: "optional",
  length: true,
  make(argument, length) {
    const [kind = "", ...path] = argument.split(":");
    if (!Object.hasOwn(KINDS, kind)) throw new FormatError(`METADATA knows no kind "${kind}"`);
    return reader(KINDS[kind]!, path.join(":"), length);
  },
};

export const METADATA_OPERATORS: Operators = {
  DYNAMIC_METADATA: ofKind(
    "`NAMESPACE:KEY:...`. Always `-`: no filter here writes dynamic metadata",
    none,
    true,
  ),
  CLUSTER_METADATA: ofKind("`NAMESPACE:KEY:...` of the cluster", ofCluster),
  UPSTREAM_METADATA: ofKind("`NAMESPACE:KEY:...` of the chosen host", ofHost),
  METADATA,
};
