import { appendEntries, countEntries } from "./append-section";
import { checkPlaces } from "./check-places";
import type { Edits } from "./edits";
import { type ModuleShape, readSections, SECTION } from "./inspect";
import { leb } from "./leb";
import { ASKED, COUNTER } from "./time-limit";
import { WasmReader } from "./wasm-reader";
import { readFunctionTypes } from "./wasm-types";

/** What the counter starts at, 2^31-1: a start section, which runs before there is anybody to ask, may take that many turns. */
const MOST = [0xff, 0xff, 0xff, 0xff, 0x07];

const I32 = 0x7f;
const FUNCREF = 0x70;
const KIND = { table: 1, global: 3 } as const;

/**
 * Puts a check into every loop of a valid module, and at the start of every function that calls another: it counts down,
 * and asks the host when it has come to zero. An answer other than 0 ends the guest as `unreachable` does, which no guest
 * can catch. Everything added stands behind what is there, so that no index changes.
 */
export function addLoopChecks(bytes: Uint8Array, shape: ModuleShape, edits: Edits): void {
  const types = readSections(bytes).find(({ id }) => id === SECTION.type);
  const type = types ? readFunctionTypes(new WasmReader(types.body)).length : 0;
  const table = shape.tableImports.length + countEntries(bytes, SECTION.table);
  // Modules that import a global are not linked.
  const counter = countEntries(bytes, SECTION.global);
  appendEntries(bytes, SECTION.type, [[0x60, 0, 1, I32]], edits);
  appendEntries(bytes, SECTION.table, [[FUNCREF, 1, 1, 1]], edits);
  appendEntries(bytes, SECTION.global, [[I32, 1, 0x41, ...MOST, 0x0b]], edits);
  const exports = [exported(COUNTER, KIND.global, counter), exported(ASKED, KIND.table, table)];
  appendEntries(bytes, SECTION.export, exports, edits);
  insertChecks(bytes, checkCode(leb(counter), leb(type), leb(table)), edits);
}

function exported(name: string, kind: number, index: number): number[] {
  return [name.length, ...Buffer.from(name), kind, ...leb(index)];
}

/** `if (--counter == 0) if (asked()) unreachable`. Takes nothing from the stack and leaves nothing on it. */
function checkCode(counter: number[], type: number[], table: number[]): number[] {
  const get = [0x23, ...counter];
  const countDown = [...get, 0x41, 1, 0x6b, 0x24, ...counter];
  const ask = [0x41, 0, 0x11, ...type, ...table];
  const [then, end] = [[0x04, 0x40], 0x0b];
  return [...countDown, ...get, 0x45, ...then, ...ask, ...then, 0x00, end, end];
}

function insertChecks(bytes: Uint8Array, check: readonly number[], edits: Edits): void {
  const section = readSections(bytes).find(({ id }) => id === SECTION.code);
  if (!section) return;
  const places = checkPlaces(bytes);
  const reader = new WasmReader(section.body);
  const base = section.start + section.size - section.body.length;
  let growth = 0;
  for (let i = 0, count = reader.u32(); i < count; i++) {
    const head = base + reader.position;
    const size = reader.u32();
    const body = base + reader.position;
    reader.sub(size);
    const checks = places[i]!;
    if (checks.length === 0) continue;
    const added = checks.length * check.length;
    const newHead = leb(size + added);
    edits.replace(head, body, newHead);
    for (const place of checks) edits.insert(place, check);
    growth += newHead.length - (body - head) + added;
  }
  edits.replace(section.start, base, [section.id, ...leb(section.body.length + growth)]);
}
