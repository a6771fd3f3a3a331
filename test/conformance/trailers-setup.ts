import { CLUSTER_TRAILERS } from "../support/bootstrap";
import type { Setup } from "../support/conformance";
import type { RawRequest } from "../support/raw-client";

/** Lets trailers through on both sides; HTTP/1.1 drops them by default. */
export const TRAILERS_SETUP: Setup = {
  manager: { http_protocol_options: { enable_trailers: true } },
  cluster: CLUSTER_TRAILERS,
  upstream: async (request, reply) => {
    await request.message;
    reply.send({ chunked: ["hello"], trailers: [["X-Response-Trailer", "r"]] });
  },
};

export const REQUEST_WITH_TRAILERS: RawRequest = {
  method: "POST",
  chunked: ["body"],
  trailers: [["X-Request-Trailer", "q"]],
};
