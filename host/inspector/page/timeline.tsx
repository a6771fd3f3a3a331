/** @jsxImportSource preact */
import type { StepView } from "../model";
import { duration } from "./format";
import { Body, Headers } from "./message";

const LOG = /^ {2}==> proxy_log\(/;
const METRIC = /^ {2}==> proxy_(?:increment|record|define)_metric\(/;

function kind(line: string): string {
  if (line.startsWith("<== trap") || line.startsWith("[")) return "trap";
  if (LOG.test(line)) return "log";
  if (METRIC.test(line)) return "metric";
  return line.startsWith("  ") ? "hostcall" : "callback";
}

/** How many header lines a step has changed, for its closed form. */
function changes({ before, after, chunk }: StepView): string {
  const parts: string[] = [];
  if (before && after) {
    const has = (list: typeof after, [name, value]: (typeof after)[number]) =>
      list.some(([n, v]) => n === name && v === value);
    const added = after.filter((pair) => !has(before, pair)).length;
    const removed = before.filter((pair) => !has(after, pair)).length;
    if (added > 0) parts.push(`+${added}`);
    if (removed > 0) parts.push(`-${removed}`);
  }
  if (chunk && chunk.before.text !== chunk.after.text) parts.push("body changed");
  return parts.join(" ");
}

/** Most hooks of most filters do not exist in the module: nothing ran, nothing changed. */
function happened(step: StepView): boolean {
  const { lines, status } = step;
  return lines.length > 0 || changes(step) !== "" || (status !== undefined && status !== "Continue");
}

function Step({ step }: { step: StepView }) {
  const { at, filter, what, status, before, after, chunk, lines, endOfStream } = step;
  const trapped = lines.some((line) => kind(line) === "trap");
  const held = status !== undefined && status !== "Continue";
  return (
    <details class={`step ${trapped ? "trapped" : ""}`} open={trapped}>
      <summary>
        <span class="at">{duration(at)}</span>
        <span class="filter">{filter}</span>
        <span class="what">{what}</span>
        <span class={held ? "status held" : "status"}>{status ?? ""}</span>
        <span class="changes">{changes(step)}</span>
      </summary>
      {endOfStream && <p class="note">end of stream</p>}
      {before && <Headers before={before} after={after ?? before} />}
      {chunk &&
        (chunk.before.text === chunk.after.text ? <Body body={chunk.after} /> : <Chunks chunk={chunk} />)}
      {lines.length > 0 && (
        <pre class="lines">
          {lines.map((line, i) => (
            <span key={i} class={kind(line)}>{`${line}\n`}</span>
          ))}
        </pre>
      )}
    </details>
  );
}

function Chunks({ chunk: { before, after } }: { chunk: NonNullable<StepView["chunk"]> }) {
  return (
    <div class="chunks">
      <div class="removed">
        <Body body={before} />
      </div>
      <div class="added">
        <Body body={after} />
      </div>
    </div>
  );
}

/** Every hook and callback of a stream, in order. */
export function Timeline({ steps, dropped }: { steps: readonly StepView[]; dropped: number }) {
  const idle = steps.filter((step) => !happened(step)).length;
  return (
    <section class="timeline" aria-label="Timeline">
      <h3>Timeline</h3>
      {steps.filter(happened).map((step, i) => (
        <Step key={i} step={step} />
      ))}
      {idle > 0 && <p class="note">{idle} hooks that filters do not have are left out</p>}
      {dropped > 0 && <p class="note">{dropped} more steps or lines were not kept</p>}
    </section>
  );
}
