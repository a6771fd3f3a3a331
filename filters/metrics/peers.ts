import { Bytes, getPropertyString, MessageReader, MessageWriter } from "proxy-wasm-toolkit/sdk";
import { decodeBase64, encodeBase64 } from "proxy-wasm-toolkit/sdk/text/base64";
import { endpointWorkload, LABEL_KEYS, METADATA_KEYS, Workload } from "./workload";

/** Most peers that are remembered; with one more all are forgotten, and read again as they come. */
const MAX_KNOWN = 1024;
/** Longer descriptions are not read. */
const MAX_LENGTH = 4096;

/** Fields of google.protobuf.Struct, of its map's entries, and of Value. */
const FIELDS = 1;
const KEY = 1;
const VALUE = 2;
const STRING_VALUE = 3;
const STRUCT_VALUE = 5;

/** Workloads at the other end by what they say of themselves. */
export class Peers {
  private readonly known: Map<string, Workload | null> = new Map<string, Workload | null>();
  private made: u32 = 0;

  /** By the header `x-envoy-peer-metadata`: base64 of a google.protobuf.Struct; null when it is none. */
  ofHeader(text: string): Workload | null {
    if (text.length > MAX_LENGTH) return null;
    if (this.known.has(text)) return this.known.get(text);
    const message = decodeBase64(text);
    return this.remember(text, message == null ? null : readWorkload(message));
  }

  /** By an endpoint's metadata. */
  ofEndpoint(text: string): Workload | null {
    if (text.length > MAX_LENGTH) return null;
    // No header has a line break: what an upstream says of itself is not taken for this.
    const key = `\n${text}`;
    return this.known.has(key) ? this.known.get(key) : this.remember(key, endpointWorkload(text));
  }

  private remember(text: string, workload: Workload | null): Workload | null {
    if (this.known.size >= MAX_KNOWN) this.known.clear();
    if (workload != null) workload.id = ++this.made;
    this.known.set(text, workload);
    return workload;
  }
}

function readWorkload(message: Bytes): Workload | null {
  const workload = new Workload();
  return readStruct(message, workload, METADATA_KEYS) ? workload : null;
}

/** Takes the texts whose keys are wanted; of the message itself also those of its `LABELS`. False = no Struct. */
function readStruct(message: Bytes, workload: Workload, keys: string[]): bool {
  const fields = new MessageReader(message);
  while (fields.next()) {
    if (fields.field != FIELDS) continue;
    const entry = new MessageReader(fields.bytes);
    let key = "";
    let value = Bytes.of("");
    while (entry.next()) {
      if (entry.field == KEY) key = entry.text;
      else if (entry.field == VALUE) value = entry.bytes;
    }
    if (entry.failed || !readValue(key, value, workload, keys)) return false;
  }
  return !fields.failed;
}

function readValue(key: string, message: Bytes, workload: Workload, keys: string[]): bool {
  const isRoot = keys == METADATA_KEYS;
  const index = key == "" ? -1 : keys.indexOf(key);
  const value = new MessageReader(message);
  while (value.next()) {
    if (value.field == STRING_VALUE && index >= 0) workload.facts[index] = value.text;
    else if (value.field == STRUCT_VALUE && isRoot && key == "LABELS") {
      if (!readStruct(value.bytes, workload, LABEL_KEYS)) return false;
    }
  }
  return !value.failed;
}

/** What this proxy says of itself: the values of both headers. */
export class Introduction {
  readonly id: string;
  readonly metadata: string;

  constructor(local: Workload) {
    const id = getPropertyString("xds.node.id");
    this.id = id == null ? "" : id;
    this.metadata = encodeBase64(writeWorkload(local));
  }
}

function writeWorkload(workload: Workload): Bytes {
  const root = new MessageWriter();
  const labels = writeFields(new MessageWriter(), workload, LABEL_KEYS);
  writeFields(root, workload, METADATA_KEYS);
  if (labels.length > 0) writeEntry(root, "LABELS", new MessageWriter().bytes(STRUCT_VALUE, labels));
  return root.finish();
}

function writeFields(struct: MessageWriter, workload: Workload, keys: string[]): Bytes {
  for (let i = 0; i < keys.length; i++) {
    const text = workload.facts[i];
    if (keys[i] != "" && text != "")
      writeEntry(struct, keys[i], new MessageWriter().text(STRING_VALUE, text));
  }
  return struct.finish();
}

function writeEntry(struct: MessageWriter, key: string, value: MessageWriter): void {
  struct.bytes(FIELDS, new MessageWriter().text(KEY, key).bytes(VALUE, value.finish()).finish());
}
