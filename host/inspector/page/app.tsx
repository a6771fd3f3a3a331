/** @jsxImportSource preact */
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { StreamSummary } from "../model";
import { api, listen } from "./api";
import { matches, type Shown, STATUSES } from "./filter";
import { StreamDetail } from "./stream-detail";
import { StreamList } from "./stream-list";

/** As many as the proxy keeps. */
const MAX_STREAMS = 500;

function merged(known: readonly StreamSummary[], changed: readonly StreamSummary[]): StreamSummary[] {
  const byId = new Map(known.map((stream) => [stream.id, stream]));
  for (const stream of changed) byId.set(stream.id, stream);
  return [...byId.values()].sort((a, b) => b.id - a.id).slice(0, MAX_STREAMS);
}

function App() {
  const [streams, setStreams] = useState<readonly StreamSummary[]>([]);
  const [file, setFile] = useState("");
  const [connected, setConnected] = useState(false);
  const [pauseOnTrap, setPauseOnTrap] = useState(false);
  const [selected, setSelected] = useState<number>();
  const [shown, setShown] = useState<Shown>({ text: "", status: "all" });
  const search = useRef<HTMLInputElement>(null);

  const load = () =>
    void api.state().then((state) => {
      setStreams(state.streams);
      setFile(state.file);
      setPauseOnTrap(state.pauseOnTrap);
    });
  useEffect(() => {
    listen(
      (changed) => setStreams((known) => merged(known, changed)),
      (on) => {
        setConnected(on);
        if (on) load();
      },
    );
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "/" || event.target instanceof HTMLInputElement) return;
      event.preventDefault();
      search.current?.focus();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);

  const visible = streams.filter((stream) => matches(stream, shown));
  const current = streams.find(({ id }) => id === selected);
  const pause = (on: boolean) => void api.pauseOnTrap(on).then(() => setPauseOnTrap(on));
  return (
    <>
      <header>
        <h1>{file}</h1>
        <span class={connected ? "live" : "live off"} role="status">
          {connected ? "live" : "the proxy is gone"}
        </span>
        <input
          ref={search}
          type="search"
          aria-label="Filter by path, method, host or status"
          placeholder="filter ( / )"
          value={shown.text}
          onInput={(event) => setShown({ ...shown, text: event.currentTarget.value })}
        />
        <select
          aria-label="Outcome"
          value={shown.status}
          onChange={(event) => setShown({ ...shown, status: event.currentTarget.value })}
        >
          {STATUSES.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
        <label>
          <input
            type="checkbox"
            checked={pauseOnTrap}
            onChange={(event) => pause(event.currentTarget.checked)}
          />
          pause on trap
        </label>
        <button type="button" onClick={() => void api.clear().then((state) => setStreams(state.streams))}>
          Clear
        </button>
      </header>
      <div class="panes">
        <StreamList streams={visible} selected={selected} select={setSelected} />
        {current ? <StreamDetail summary={current} /> : <main class="detail hint">Choose a stream.</main>}
      </div>
    </>
  );
}

render(<App />, document.getElementById("app")!);
