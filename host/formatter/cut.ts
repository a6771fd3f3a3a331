/** As much of a text as a length allows. */
export const cut = (text: string | undefined, length: number | undefined): string | undefined =>
  length === undefined || text === undefined ? text : text.slice(0, length);
