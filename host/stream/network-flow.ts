/** One filter on its way through a read: what it has been shown, and what is there to show. */
export interface ReadVisit {
  /** Its new-connection hook has run, now or before. */
  connected: boolean;
  /** Its data hook has run in this visit. */
  shown: boolean;
  /** Bytes the connection holds. */
  length: number;
  /** The client has sent its end of stream. */
  end: boolean;
}

/** `connect`, `data`: the hook that comes next. `pass`: on to the next filter. */
export type ReadStep = "connect" | "data" | "pass";

/** What a visit to a filter does next, as long as its hooks answer "continue". Pure. */
export function readStep({ connected, shown, length, end }: ReadVisit): ReadStep {
  if (!connected) return "connect";
  return !shown && (length > 0 || end) ? "data" : "pass";
}

/** Reading stops above the limit and goes on at half of it; 0 = no limit. Pure. */
export function overLimit(before: boolean, length: number, limit: number): boolean {
  if (limit === 0) return false;
  return before ? length > limit / 2 : length > limit;
}
