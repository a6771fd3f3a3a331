import { MetricType } from "../abi/metric-type";
import { logError, logWarn } from "../hostcalls/logging";
import { defineMetric, Metric } from "../hostcalls/metrics";
import { decode } from "../memory/decode";
import { encode, encodedSize } from "../memory/encode";
import { KEY, KEY_SIZE } from "../memory/layout";

/** Most bytes of tags and names that are being gathered at a time. */
const TAGS_SIZE: usize = 8192;

/** Where the tags of a series are gathered: `name=.=value;.;` each, then the family's name. Made on first use. */
let tags: usize = 0;
/** End of what is gathered: several families may be at it, e.g. when the value of a tag counts something itself. */
let top: usize = 0;
let gathering: i32 = 0;

/** A series that was used before: its full name in the proxy and its id. */
class Series {
  constructor(
    readonly hash: u32,
    readonly name: ArrayBuffer,
    readonly id: u32,
    readonly next: Series | null,
  ) {}
}

/**
 * A metric with tags. The tags travel inside the metric's name as Istio writes them
 * (`reporter=.=source;.;code=.=200;.;requests_total`); the proxy's `stats_config.stats_tags` turn them into labels.
 * Ids are cached by the tags' bytes, so counting a known series builds no string.
 * @example
 * const requests = new Counter("requests_total");
 * requests.tag("code", "200").tag("method", "GET").increment();
 */
class MetricFamily {
  private buckets: StaticArray<Series | null> = new StaticArray<Series | null>(64);
  private count: i32 = 0;
  /** Gathered so far: `size` bytes at `start`; 0 = nothing yet. */
  private start: usize = 0;
  private size: usize = 0;
  private warned: bool = false;

  constructor(
    private type: MetricType,
    readonly name: string,
    private limit: i32,
  ) {}

  protected addTag(name: string, value: string): void {
    this.append(name, false);
    this.append("=.=", false);
    this.append(value, true);
    this.append(";.;", false);
  }

  /** Ends the list of tags and finds or defines their series. */
  protected find(): Metric {
    this.append(this.name, false);
    const found = this.current();
    this.finish();
    return found;
  }

  private current(): Metric {
    if (this.start + this.size >= tags + TAGS_SIZE) {
      logError(`metric ${this.name}: tags of more than 8 KiB; not counted`);
      return changetype<Metric>(0);
    }
    const hash = hashOf(this.start, this.size);
    const known = this.lookUp(hash);
    if (known != null) return metric(known.id);
    if (this.count >= this.limit) return this.overflow();
    return metric(this.define(hash));
  }

  private finish(): void {
    if (--gathering == 0) top = tags;
    else if (top == this.start + this.size) top = this.start;
    this.start = 0;
    this.size = 0;
  }

  private lookUp(hash: u32): Series | null {
    let each = unchecked(this.buckets[hash & (this.buckets.length - 1)]);
    while (each != null) {
      if (
        each.hash == hash &&
        <usize>each.name.byteLength == this.size &&
        memory.compare(changetype<usize>(each.name), this.start, this.size) == 0
      ) {
        return each;
      }
      each = each.next;
    }
    return null;
  }

  private define(hash: u32): u32 {
    const id = defineMetric(this.type, this.start, this.size);
    if (this.count == this.buckets.length) this.grow();
    const name = new ArrayBuffer(<i32>this.size);
    memory.copy(changetype<usize>(name), this.start, this.size);
    const index = hash & (this.buckets.length - 1);
    unchecked((this.buckets[index] = new Series(hash, name, id, this.buckets[index])));
    this.count++;
    return id;
  }

  private grow(): void {
    const old = this.buckets;
    const buckets = new StaticArray<Series | null>(old.length << 1);
    for (let i = 0; i < old.length; i++) {
      let each = unchecked(old[i]);
      while (each != null) {
        const index = each.hash & (buckets.length - 1);
        unchecked((buckets[index] = new Series(each.hash, each.name, each.id, buckets[index])));
        each = each.next;
      }
    }
    this.buckets = buckets;
  }

  /** Too many series: everything new counts in one whose tags all read `other`, so that sums stay right. */
  private overflow(): Metric {
    if (!this.warned) {
      this.warned = true;
      logWarn(`metric ${this.name}: more than ${this.limit} series; further ones count as "other"`);
    }
    const parts = decode(this.start, this.size).split(";.;");
    this.size = 0;
    top = this.start;
    for (let i = 0; i < parts.length - 1; i++) {
      const tag = parts[i];
      this.addTag(tag.substring(0, tag.indexOf("=.=")), "other");
    }
    this.append(this.name, false);
    const hash = hashOf(this.start, this.size);
    const known = this.lookUp(hash);
    return metric(known == null ? this.define(hash) : known.id);
  }

  /** A value must not look like the end of itself: the dot in `;.` and `=.` becomes `_`. */
  private append(text: string, isValue: bool): void {
    this.makeLast();
    const bytes = encode(text, KEY, KEY_SIZE);
    const size = min(encodedSize(), tags + TAGS_SIZE - top);
    memory.copy(top, bytes, size);
    if (isValue) {
      for (let i: usize = 1; i < size; i++) {
        const before = load<u8>(top + i - 1);
        if (load<u8>(top + i) == 46 && (before == 59 || before == 61)) store<u8>(top + i, 95);
      }
    }
    this.size += size;
    top += size;
  }

  /** Appending needs free space behind what is gathered: moves it to the top when another family came after it. */
  private makeLast(): void {
    if (this.start == 0) {
      if (tags == 0) top = tags = heap.alloc(TAGS_SIZE);
      this.start = top;
      gathering++;
    } else if (this.start + this.size != top) {
      const size = min(this.size, tags + TAGS_SIZE - top);
      memory.copy(top, this.start, size);
      this.start = top;
      this.size = size;
      top += size;
    }
  }
}

/** FNV-1a of the gathered name, four bytes at a time. */
function hashOf(start: usize, size: usize): u32 {
  let hash: u32 = 2166136261;
  let i: usize = 0;
  for (; i + 4 <= size; i += 4) hash = (hash ^ load<u32>(start + i)) * 16777619;
  for (; i < size; i++) hash = (hash ^ <u32>load<u8>(start + i)) * 16777619;
  return hash ^ (hash >> 15);
}

function metric(id: u32): Metric {
  return changetype<Metric>(<usize>id);
}

/** A number that only grows. `limit` is the most series (sets of tag values) it may have. */
export class Counter extends MetricFamily {
  constructor(name: string, limit: i32 = 1000) {
    super(MetricType.Counter, name, limit);
  }

  /** Adds a tag for the next `increment` or `series`; always in the same order. */
  tag(name: string, value: string): Counter {
    this.addTag(name, value);
    return this;
  }

  /** Adds `delta`, which must be more than 0, to the series of the tags given before. */
  increment(delta: i64 = 1): void {
    this.find().increment(delta);
  }

  /** The series of the tags given before, to keep. */
  series(): Metric {
    return this.find();
  }
}

/** A number that goes up and down. */
export class Gauge extends MetricFamily {
  constructor(name: string, limit: i32 = 1000) {
    super(MetricType.Gauge, name, limit);
  }

  /** As `Counter.tag`. */
  tag(name: string, value: string): Gauge {
    this.addTag(name, value);
    return this;
  }

  /** Adds `delta`, which may be negative. */
  increment(delta: i64 = 1): void {
    this.find().increment(delta);
  }

  /** Sets the value. */
  record(value: i64): void {
    this.find().record(value);
  }

  /** As `Counter.series`. */
  series(): Metric {
    return this.find();
  }
}

/** A distribution of whole numbers, e.g. milliseconds. */
export class Histogram extends MetricFamily {
  constructor(name: string, limit: i32 = 1000) {
    super(MetricType.Histogram, name, limit);
  }

  /** As `Counter.tag`. */
  tag(name: string, value: string): Histogram {
    this.addTag(name, value);
    return this;
  }

  /** Adds one observation. */
  record(value: i64): void {
    this.find().record(value);
  }

  /** As `Counter.series`. */
  series(): Metric {
    return this.find();
  }
}
