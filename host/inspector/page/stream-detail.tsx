/** @jsxImportSource preact */
import { useEffect, useState } from "preact/hooks";
import type { Comparison, StreamSummary, StreamView } from "../model";
import { api } from "./api";
import { duration } from "./format";
import { Message } from "./message";
import { Timeline } from "./timeline";

function Compared({ comparison }: { comparison: Comparison }) {
  const differ = comparison.rows.filter(({ same }) => !same).length;
  return (
    <section class="comparison" aria-label="Comparison with Envoy">
      <h3>{differ === 0 ? "Envoy answers the same" : `Envoy answers differently: ${differ}`}</h3>
      <table>
        <thead>
          <tr>
            <th />
            <th>node</th>
            <th>envoy</th>
          </tr>
        </thead>
        <tbody>
          {comparison.rows.map(({ what, node, envoy, same }) => (
            <tr key={what} class={same ? "" : "differs"}>
              <th>{what}</th>
              <td>{node}</td>
              <td>{envoy}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function outcome({ state, decision, details, status, took }: StreamSummary): string {
  const parts = [
    state === "paused" ? "held: the VM has failed, its answer waits" : undefined,
    status === undefined ? state : `${status}`,
    details,
    decision && `answered by ${decision.filter}`,
    took === undefined ? undefined : duration(took),
  ];
  return parts.filter(Boolean).join(" · ");
}

/** One stream, fetched anew whenever its line in the list has changed. */
export function StreamDetail({ summary }: { summary: StreamSummary }) {
  const { id, state } = summary;
  const [stream, setStream] = useState<StreamView>();
  const [comparison, setComparison] = useState<Comparison>();
  const [message, setMessage] = useState("");
  const fail = (error: unknown) => setMessage(error instanceof Error ? error.message : String(error));

  useEffect(() => {
    let current = true;
    api.stream(id).then((view) => current && setStream(view), fail);
    return () => {
      current = false;
    };
  }, [id, summary]);
  useEffect(() => {
    setComparison(undefined);
    setMessage("");
  }, [id]);

  const compare = () => {
    setMessage("Envoy is asked...");
    api.compare(id).then((rows) => {
      setComparison(rows);
      setMessage("");
    }, fail);
  };

  if (stream?.id !== id) return <main class="detail" />;
  const { request, forwarded, upstream, response, method, authority, path } = stream;
  return (
    <main class="detail" aria-label="Stream">
      <h2>
        {method} {authority}
        {path}
      </h2>
      <p class="outcome">{outcome(stream)}</p>
      <p class="actions">
        {state === "paused" && (
          <button type="button" onClick={() => api.resume(id).catch(fail)}>
            Resume
          </button>
        )}
        <a class="button" href={api.scenario(id)} download>
          Export as scenario
        </a>
        <button type="button" onClick={compare} disabled={state !== "done"}>
          Send it again, to Envoy
        </button>
      </p>
      {message !== "" && (
        <p class="alert" role="status">
          {message}
        </p>
      )}
      {comparison && <Compared comparison={comparison} />}
      <Timeline steps={stream.steps} dropped={stream.dropped} />
      <div class="messages">
        <Message title="Request as it came" message={request} />
        <Message title="Request as it was forwarded" message={forwarded} />
        <Message title="Response of the upstream" message={upstream} />
        <Message title="Response to the client" message={response} />
      </div>
    </main>
  );
}
