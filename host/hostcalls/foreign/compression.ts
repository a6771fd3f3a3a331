import { deflateSync, inflateSync } from "node:zlib";
import { Status } from "../../../sdk/abi/status";
import type { ForeignFunction } from "./call";

/** Envoy has no bound; a few bytes of input can unfold to a thousand times as many. */
const MAX_OUTPUT = 64 * 1024 * 1024;

/** zlib streams (RFC 1950). */
export const compression: Readonly<Record<"compress" | "uncompress", ForeignFunction>> = {
  compress: ({ argument }) => deflateSync(argument),

  /** What follows the end of the stream does not matter. */
  uncompress({ argument }) {
    try {
      return inflateSync(argument, { maxOutputLength: MAX_OUTPUT });
    } catch (error) {
      const tooLarge = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
      return tooLarge ? Status.InternalFailure : Status.SerializationFailure;
    }
  },
};
