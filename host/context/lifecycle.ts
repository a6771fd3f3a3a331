/** Stages of a context's life, in order. Numbers, because every stream takes three steps. */
export enum Stage {
  Created = 0,
  Started = 1,
  Configured = 2,
  Closing = 3,
  Logged = 4,
  Done = 5,
  Deleted = 6,
}

/** What moves a context on. */
export enum LifecycleEvent {
  Start = 0,
  Configure = 1,
  Log = 2,
  Done = 3,
  /** A root's on_done that answered false. */
  Pending = 4,
  Delete = 5,
}

const { Created, Started, Configured, Closing, Logged, Done, Deleted } = Stage;
const On = LifecycleEvent;

/**
 * Legal steps, as Envoy takes them. Streams go created -> logged -> done -> deleted (TCP logs after done);
 * roots start, are configured, and may stay `Closing` until proxy_done.
 */
export const LIFECYCLE: Readonly<Record<Stage, Partial<Record<LifecycleEvent, Stage>>>> = {
  [Created]: { [On.Start]: Started, [On.Log]: Logged, [On.Done]: Done, [On.Delete]: Deleted },
  [Started]: { [On.Configure]: Configured, [On.Done]: Done, [On.Pending]: Closing, [On.Delete]: Deleted },
  [Configured]: {
    [On.Configure]: Configured,
    [On.Done]: Done,
    [On.Pending]: Closing,
    [On.Log]: Configured,
    [On.Delete]: Deleted,
  },
  [Closing]: { [On.Done]: Done, [On.Log]: Closing, [On.Delete]: Deleted },
  [Logged]: { [On.Done]: Done, [On.Delete]: Deleted },
  [Done]: { [On.Log]: Done, [On.Delete]: Deleted },
  [Deleted]: {},
};

/** The stage after `event`, or undefined when the step is illegal. */
export function nextStage(stage: Stage, event: LifecycleEvent): Stage | undefined {
  return LIFECYCLE[stage][event];
}
