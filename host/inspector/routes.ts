import { UsageError } from "../errors";
import type { Inspector } from "./inspector";
import type { RecordedStream } from "./recorded-stream";
import type { Answer } from "./server";

interface Route {
  method: "GET" | "POST";
  /** Its first group is handed to the handler. */
  path: RegExp;
  answer(inspector: Inspector, part: string): Answer | Promise<Answer>;
}

const json = (value: unknown): Answer => ({ type: "application/json", body: JSON.stringify(value) });

function found({ recorder }: Inspector, id: string): RecordedStream {
  const stream = recorder.stream(Number(id));
  if (!stream) throw new UsageError(`stream ${id} is not kept any longer`);
  return stream;
}

/** Everything the page may ask for. */
export const ROUTES: readonly Route[] = [
  { method: "GET", path: /^\/api\/streams$/, answer: (inspector) => json(inspector.state) },
  {
    method: "GET",
    path: /^\/api\/streams\/(\d+)$/,
    answer: (inspector, id) => json(found(inspector, id).view(inspector.hide)),
  },
  {
    method: "GET",
    path: /^\/api\/streams\/(\d+)\/scenario$/,
    answer: (inspector, id) => ({
      type: "application/yaml; charset=utf-8",
      file: `stream-${id}.scenario.yaml`,
      body: inspector.scenario(found(inspector, id)),
    }),
  },
  {
    method: "POST",
    path: /^\/api\/streams\/(\d+)\/resume$/,
    answer: (inspector, id) => json({ resumed: found(inspector, id).resume() }),
  },
  {
    method: "POST",
    path: /^\/api\/streams\/(\d+)\/envoy$/,
    answer: async (inspector, id) => json(await inspector.twin.compare(found(inspector, id))),
  },
  {
    method: "POST",
    path: /^\/api\/pause-on-trap\/(on|off)$/,
    answer({ recorder }, what) {
      recorder.pauseOnTrap = what === "on";
      return json({ pauseOnTrap: recorder.pauseOnTrap });
    },
  },
  {
    method: "POST",
    path: /^\/api\/clear$/,
    answer(inspector) {
      inspector.recorder.clear();
      return json(inspector.state);
    },
  },
];
