import { encodedSize, encodeText } from "./encode";
import { KEY, KEY_SIZE } from "./layout";

/**
 * The SDK's own log lines are put together in static memory: no strings are built, and a filter that builds none
 * itself does not carry the code for it.
 */
export const LINE: usize = memory.data(512, 8);
const LINE_SIZE: usize = 512;

let used: usize = 0;

/** Takes the line's length and starts the next one. */
export function takeLine(): usize {
  const size = used;
  used = 0;
  return size;
}

/** Appends text, as far as the line goes. */
export function addText(text: string): void {
  const bytes = encodeText(text, KEY, KEY_SIZE);
  addBytes(bytes, encodedSize());
}

/** Appends bytes, as far as the line goes. */
export function addBytes(bytes: usize, length: usize): void {
  const size = min(length, LINE_SIZE - used);
  memory.copy(LINE + used, bytes, size);
  used += size;
}

/** Appends a decimal number. */
export function addNumber(number: u32): void {
  if (number > 9) addNumber(number / 10);
  if (used < LINE_SIZE) store<u8>(LINE + used++, 48 + (number % 10));
}
