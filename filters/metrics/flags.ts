/** Short names of the response flags, by bit. */
const NAMES: string[] = [
  "LH",
  "UH",
  "UT",
  "LR",
  "UR",
  "UF",
  "UC",
  "UO",
  "NR",
  "DI",
  "FI",
  "RL",
  "UAEX",
  "RLSE",
  "DC",
  "URX",
  "SI",
  "IH",
  "DPE",
  "UMSDR",
  "RFCF",
  "NFCF",
  "DT",
  "UPE",
  "NC",
  "OM",
  "DF",
  "DO",
  "DR",
  "UDO",
];

/** `response.flags` as a list in ascending order of bits; `-` = none. */
export function flagNames(flags: i64): string {
  if (flags == 0) return "-";
  let text = "";
  for (let i = 0; i < NAMES.length; i++) {
    if ((flags & ((<i64>1) << i)) == 0) continue;
    text = text == "" ? NAMES[i] : `${text},${NAMES[i]}`;
  }
  return text == "" ? "-" : text;
}
