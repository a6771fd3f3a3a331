import type { ByteCounts } from "../../stores/stream-times";
import { type Operators, plain } from "../scope";

type Side = "downstreamBytes" | "upstreamBytes";

const SIDES = { DOWNSTREAM: "downstreamBytes", UPSTREAM: "upstreamBytes" } as const;
const WAYS = { RECEIVED: ["wireReceived", "headersReceived"], SENT: ["wireSent", "headersSent"] } as const;

const count = (about: string, side: Side, field: keyof ByteCounts) =>
  plain(about, ({ info }) => info[side]?.[field] ?? 0, "bytes");

const rows = Object.entries(SIDES).flatMap(([side, of]) =>
  Object.entries(WAYS).flatMap(([way, [wire, headers]]) => {
    const where = `${way === "SENT" ? "to" : "from"} the ${of === "upstreamBytes" ? "host" : "client"}`;
    return [
      [`${side}_WIRE_BYTES_${way}`, count(`All bytes ${where}`, of, wire)],
      [
        `${side}_HEADER_BYTES_${way}`,
        count(`Bytes of heads ${where}; of HTTP/2 before compression`, of, headers),
      ],
      [
        `${side}_DECOMPRESSED_HEADER_BYTES_${way}`,
        count(`Bytes of heads ${where}, uncompressed`, of, headers),
      ],
    ] as const;
  }),
);

export const WIRE: Operators = Object.fromEntries(rows);
