import { LogLevel } from "./abi/log-level";
import { proxy_log } from "./env";
import { addNumber, addText, LINE, takeLine } from "./memory/line";

/** What `abort()`, a failed assertion or `throw` ends in: one critical line, then a trap. */
export function onAbort(
  message: string | null = null,
  file: string | null = null,
  line: u32 = 0,
  column: u32 = 0,
): void {
  takeLine();
  addText("abort: ");
  if (message) addText(message);
  if (file) {
    addText(" at ");
    addText(file);
    addText(":");
    addNumber(line);
    addText(":");
    addNumber(column);
  }
  proxy_log(LogLevel.Critical, LINE, takeLine());
  unreachable();
}
