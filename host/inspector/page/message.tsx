/** @jsxImportSource preact */
import type { BodyText, MessageView, Pair } from "../model";
import { diffPairs } from "./diff";
import { bytes } from "./format";

const SIGNS = { same: " ", added: "+", removed: "-" } as const;

/** Header lines, with what has changed. */
export function Headers({ before, after }: { before: readonly Pair[]; after: readonly Pair[] }) {
  return (
    <pre class="headers">
      {diffPairs(before, after).map(({ kind, pair: [name, value] }, i) => (
        <span key={i} class={kind}>
          {`${SIGNS[kind]} ${name}: ${value}\n`}
        </span>
      ))}
    </pre>
  );
}

export function Body({ body }: { body: BodyText }) {
  const note = [bytes(body.bytes), body.binary && "not UTF-8", body.cut && "cut"].filter(Boolean).join(", ");
  return (
    <div>
      <p class="note">{note}</p>
      {body.text !== "" && <pre class="body">{body.text}</pre>}
    </div>
  );
}

export function Message({ title, message }: { title: string; message: MessageView | undefined }) {
  return (
    <section class="message">
      <h3>{title}</h3>
      {message?.headers ? (
        <Headers before={message.headers} after={message.headers} />
      ) : (
        <p class="note">nothing</p>
      )}
      {message?.body && <Body body={message.body} />}
      {message?.trailers && <Headers before={message.trailers} after={message.trailers} />}
    </section>
  );
}
