/** A refusal decided before any filter runs. */
export interface Refusal {
  status: number;
  details: string;
  /** Said by the codec: the reply's text is its status, and no request is known. */
  codec: boolean;
}
