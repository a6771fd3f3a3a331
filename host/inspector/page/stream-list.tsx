/** @jsxImportSource preact */
import { useEffect, useRef } from "preact/hooks";
import type { StreamSummary } from "../model";
import { duration, timeOfDay } from "./format";

interface Props {
  streams: readonly StreamSummary[];
  selected: number | undefined;
  select(id: number): void;
}

const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 };

function Row({ stream, selected, select }: { stream: StreamSummary; selected: boolean; select(): void }) {
  const { id, began, method, path, authority, status, took, state, decision, trapped } = stream;
  const row = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (selected) row.current?.scrollIntoView({ block: "nearest" });
  }, [selected]);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list around it has the keys
    <div
      ref={row}
      id={`stream-${id}`}
      role="option"
      tabIndex={-1}
      aria-selected={selected}
      class={`row ${trapped ? "trapped" : ""}`}
      onClick={select}
    >
      <span class="time">{timeOfDay(began)}</span>
      <span class="method">{method}</span>
      <span class="path" title={`${authority}${path}`}>
        {path}
      </span>
      <span class={`status s${String(status ?? "")[0] ?? ""}`}>
        {state === "paused" ? "paused" : (status ?? "...")}
      </span>
      <span class="by">{decision?.filter ?? ""}</span>
      <span class="took">{took === undefined ? "" : duration(took)}</span>
    </div>
  );
}

/** The streams, newest first: a list box with the arrow keys. */
export function StreamList({ streams, selected, select }: Props) {
  const onKeyDown = (event: KeyboardEvent) => {
    const at = streams.findIndex(({ id }) => id === selected);
    const last = streams.length - 1;
    const step = STEPS[event.key];
    const to =
      event.key === "Home"
        ? 0
        : event.key === "End"
          ? last
          : step === undefined
            ? undefined
            : Math.max(0, Math.min(last, at + step));
    if (to === undefined || !streams[to]) return;
    event.preventDefault();
    select(streams[to].id);
  };
  return (
    <div
      class="list"
      role="listbox"
      aria-label="Streams"
      tabIndex={0}
      aria-activedescendant={selected === undefined ? undefined : `stream-${selected}`}
      onKeyDown={onKeyDown}
    >
      {streams.map((stream) => (
        <Row
          key={stream.id}
          stream={stream}
          selected={stream.id === selected}
          select={() => select(stream.id)}
        />
      ))}
      {streams.length === 0 && <p class="empty">No streams yet: send a request to the proxy.</p>}
    </div>
  );
}
