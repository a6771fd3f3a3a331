/** What a rule does to responses. Chances are of a million; times are nanoseconds. */
export class ResponseFaults {
  rateChance: u32 = 0;
  /** KiB a second. */
  kbps: i64 = 0;

  stallChance: u32 = 0;
  /** Bytes of the body that pass before it stalls. */
  stallAfter: i64 = 0;
  stallTime: i64 = 0;

  cutChance: u32 = 0;
  /** Bytes of the body that pass before it is cut. */
  cutAfter: i64 = 0;
  /** Whether the stream is reset there; else the body ends as if it were whole. */
  cutResets: bool = false;
}
