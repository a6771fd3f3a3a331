import { describe, expect, test } from "vitest";
import { parseBootstrap } from "../../../host/config/index";
import { ConfigError } from "../../../host/errors";
import { bootstrap, cluster, type Json } from "../../support/bootstrap";

const KEY = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const MIB = 1_048_576;

const explicit = (config: Json): Json => ({
  typed_extension_protocol_options: {
    [KEY]: { "@type": `type.googleapis.com/${KEY}`, explicit_http_config: config },
  },
});

function http2Of(more: Json) {
  const file = bootstrap({ listeners: [], clusters: [cluster("app", 80, more)] });
  return parseBootstrap(JSON.stringify(file), "f.json").bootstrap.clusters[0]!.http2;
}

function refusal(more: Json): string {
  try {
    http2Of(more);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "";
}

describe("HTTP/2 of a cluster", () => {
  const defaults = {
    allowConnect: false,
    tableSize: 4096,
    maxConcurrentStreams: 1024,
    streamWindow: 16 * MIB,
    connectionWindow: 24 * MIB,
  };

  test.each([
    ["nothing said: HTTP/1.1", {}, undefined],
    ["HTTP/1.1 chosen", explicit({ http_protocol_options: {} }), undefined],
    ["HTTP/2 with Envoy's defaults", explicit({ http2_protocol_options: {} }), defaults],
    [
      "HTTP/2 with numbers",
      explicit({ http2_protocol_options: { max_concurrent_streams: 5, initial_stream_window_size: 65_535 } }),
      { ...defaults, maxConcurrentStreams: 5, streamWindow: 65_535 },
    ],
    [
      "the deprecated field",
      { http2_protocol_options: { max_concurrent_streams: 7 } },
      { ...defaults, maxConcurrentStreams: 7 },
    ],
    [
      "the deprecated field beside the new one",
      { ...explicit({ http_protocol_options: {} }), http2_protocol_options: {} },
      undefined,
    ],
  ])("%s", (_, more, expected) => {
    expect(http2Of(more)).toEqual(expected);
  });

  test.each([
    ["neither protocol", explicit({}), "needs one of http_protocol_options, http2_protocol_options"],
    [
      "both protocols",
      explicit({ http_protocol_options: {}, http2_protocol_options: {} }),
      "http_protocol_options and http2_protocol_options cannot both be set",
    ],
    ["no streams", { http2_protocol_options: { max_concurrent_streams: 0 } }, "must be from 1 to 2147483647"],
    [
      "a window below the least",
      { http2_protocol_options: { initial_stream_window_size: 65_534 } },
      "must be from 65535 to 2147483647",
    ],
    [
      "a window above the most",
      { http2_protocol_options: { initial_connection_window_size: 2_147_483_648 } },
      "must be from 65535 to 2147483647",
    ],
  ])("refused: %s", (_, more, message) => {
    expect(refusal(more)).toContain(message);
  });
});
