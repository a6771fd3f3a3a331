import { RE2JS } from "re2js";
import type { StatsTag } from "../../config/model";

/** A name with its tags taken out. */
export interface TaggedName {
  name: string;
  tags: readonly (readonly [string, string])[];
}

/** Finds the text to remove (group 1) and the tag's value (group 2, or group 1). */
interface Extractor {
  tag: string;
  /** First segment a name must have; undefined = any. */
  prefix: string | undefined;
  find(name: string): { start: number; end: number; value: string } | undefined;
}

/** The default tags that names of this proxy can carry; order and patterns as in Envoy. */
const DEFAULTS: readonly (readonly [tag: string, pattern: RegExp])[] = [
  ["envoy.response_code", /_rq(_(\d{3}))$/d],
  ["envoy.response_code_class", /_rq_((\d))xx$/d],
  ["envoy.virtual_cluster", /^vhost\.[^.]+\.vcluster\.(([^.]+)\.)./d],
  ["envoy.fault_downstream_cluster", /^http\.[^.]+\.fault\.(([^.]+)\.)./d],
  ["envoy.tcp_prefix", /^tcp\.(([^.]+)\.)./d],
  ["envoy.cluster_name", /^cluster\.(([^.]+)\.)./d],
  ["envoy.http_conn_manager_prefix", /^listener\..*?\.http\.(([^.]*)\.)/d],
  ["envoy.http_conn_manager_prefix", /^http\.(([^.]+)\.)./d],
  ["envoy.worker_id", /^listener\..*?\.worker(_(\d+))\./d],
  ["envoy.listener_address", /^listener\.(([_.\d]*|[_[\]a-fA-F\d]*)\.)/d],
  ["envoy.virtual_host", /^vhost\.(([^.]+)\.)./d],
  ["envoy.worker_id", /^listener_manager\.worker(_(\d+))\./d],
  ["envoy.worker_id", /^server\.worker(_(\d+))\./d],
];

const PREFIX = /^\^([a-zA-Z0-9_]+)\\\./;

function defaultExtractor(tag: string, pattern: RegExp): Extractor {
  return {
    tag,
    prefix: PREFIX.exec(pattern.source)?.[1],
    find(name) {
      const match = pattern.exec(name);
      const whole = match?.indices?.[1];
      return match && whole ? { start: whole[0], end: whole[1], value: match[2] ?? match[1]! } : undefined;
    },
  };
}

/** Patterns of the configuration run in RE2: linear, whatever they are. */
function customExtractor(tag: string, pattern: string): Extractor {
  const compiled = RE2JS.compile(pattern);
  return {
    tag,
    prefix: PREFIX.exec(pattern)?.[1],
    find(name) {
      const matcher = compiled.matcher(name);
      if (!matcher.find() || matcher.groupCount() < 1) return undefined;
      const whole = matcher.group(1);
      if (whole === null || whole === undefined) return undefined;
      const value = matcher.groupCount() >= 2 ? (matcher.group(2) ?? whole) : whole;
      return { start: matcher.start(1), end: matcher.end(1), value };
    },
  };
}

/** Turns raw stat names into a base name and tags, as `stats_config` says. */
export class TagExtraction {
  private readonly fixed: (readonly [string, string])[] = [];
  private readonly anywhere: Extractor[] = [];
  private readonly byPrefix = new Map<string, Extractor[]>();
  private readonly cache = new Map<string, TaggedName>();

  constructor(custom: readonly StatsTag[], useDefaults: boolean) {
    if (useDefaults) for (const [tag, pattern] of DEFAULTS) this.insert(defaultExtractor(tag, pattern));
    for (const { tagName, regex, fixedValue } of custom) {
      if (fixedValue !== undefined) this.fixed.push([tagName, fixedValue]);
      else if (regex !== undefined && regex !== "") this.insert(customExtractor(tagName, regex));
      else if (!useDefaults) {
        // A name alone asks for the default tag of that name.
        for (const [tag, pattern] of DEFAULTS)
          if (tag === tagName) this.insert(defaultExtractor(tag, pattern));
      }
    }
  }

  private insert(extractor: Extractor): void {
    if (extractor.prefix === undefined) {
      this.anywhere.push(extractor);
      return;
    }
    const list = this.byPrefix.get(extractor.prefix) ?? [];
    list.push(extractor);
    this.byPrefix.set(extractor.prefix, list);
  }

  /** Every pattern looks at the whole name; what they matched is cut out together at the end. */
  extract(name: string): TaggedName {
    const known = this.cache.get(name);
    if (known) return known;
    const tags = [...this.fixed];
    const cuts: { start: number; end: number }[] = [];
    const dot = name.indexOf(".");
    const rest = dot < 0 ? undefined : this.byPrefix.get(name.slice(0, dot));
    for (const list of [this.anywhere, rest ?? []]) {
      for (const extractor of list) {
        const found = extractor.find(name);
        if (!found) continue;
        // The first extractor of a tag has the word.
        if (tags.some(([tag]) => tag === extractor.tag)) continue;
        tags.push([extractor.tag, found.value]);
        cuts.push(found);
      }
    }
    const tagged = { name: cut(name, cuts), tags };
    this.cache.set(name, tagged);
    return tagged;
  }
}

function cut(name: string, cuts: { start: number; end: number }[]): string {
  let out = "";
  let at = 0;
  for (const { start, end } of cuts.sort((a, b) => a.start - b.start)) {
    if (start > at) out += name.slice(at, start);
    at = Math.max(at, end);
  }
  return out + name.slice(at);
}
