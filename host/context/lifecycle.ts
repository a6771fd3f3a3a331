/** Stages of a context's life, in order. */
export type Stage = "created" | "started" | "configured" | "closing" | "logged" | "done" | "deleted";

/** What moves a context on. `pending` is a root's on_done that answered false. */
export type LifecycleEvent = "start" | "configure" | "log" | "done" | "pending" | "delete";

/**
 * Legal steps, as Envoy takes them. Streams go created -> logged -> done -> deleted (TCP logs after done);
 * roots start, are configured, and may stay `closing` until proxy_done.
 */
export const LIFECYCLE: Readonly<Record<Stage, Partial<Record<LifecycleEvent, Stage>>>> = {
  created: { start: "started", log: "logged", done: "done", delete: "deleted" },
  started: { configure: "configured", done: "done", pending: "closing", delete: "deleted" },
  configured: {
    configure: "configured",
    done: "done",
    pending: "closing",
    log: "configured",
    delete: "deleted",
  },
  closing: { done: "done", log: "closing", delete: "deleted" },
  logged: { done: "done", delete: "deleted" },
  done: { log: "done", delete: "deleted" },
  deleted: {},
};

/** The stage after `event`, or undefined when the step is illegal. */
export function nextStage(stage: Stage, event: LifecycleEvent): Stage | undefined {
  return LIFECYCLE[stage][event];
}
