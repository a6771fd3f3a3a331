import { BinaryReader, type IOperatorInformation } from "wasmparser";
import { ModuleError } from "../errors";
import { SECTION } from "./inspect";

/** States of wasmparser's reader that matter here; its own enum exists for TypeScript only at compile time. */
const STATE = { error: -1, beginSection: 3, beginBody: 28, operator: 30, endBody: 31 } as const;

const LOOP = 0x03;
/** From call to return_call_ref. */
const CALLS = { first: 0x10, last: 0x15 } as const;

/**
 * For each function body of a valid module, offsets where a check has to stand so that no run can go on without meeting one:
 * behind the head of every loop, and before the first instruction of a function that calls another. In order.
 */
export function checkPlaces(bytes: Uint8Array): number[][] {
  const reader = new BinaryReader();
  const { buffer, byteOffset, byteLength } = bytes;
  reader.setData(buffer as ArrayBuffer, byteOffset, byteOffset + byteLength);
  const found: number[][] = [];
  let entry = 0;
  let calls = false;
  while (reader.read()) {
    switch (reader.state as number) {
      case STATE.beginSection:
        if ((reader.result as { id: number }).id !== SECTION.code) reader.skipSection();
        break;
      case STATE.beginBody:
        found.push([]);
        entry = reader.position - byteOffset;
        calls = false;
        break;
      case STATE.operator: {
        const { code } = reader.result as IOperatorInformation;
        if (code === LOOP) found.at(-1)!.push(reader.position - byteOffset);
        calls ||= code >= CALLS.first && code <= CALLS.last;
        break;
      }
      case STATE.endBody:
        if (calls) found.at(-1)!.unshift(entry);
        break;
      case STATE.error:
        throw new ModuleError(`loops that no checks can be put into: ${reader.error?.message}`);
      default:
    }
  }
  return found;
}
