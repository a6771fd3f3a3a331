import { describe, expect, test } from "vitest";
import { parseBootstrap } from "../../../host/config/index";
import type { EdgeConfig } from "../../../host/config/model";
import { ConfigError } from "../../../host/errors";
import { bootstrap, httpListener, type Json } from "../../support/bootstrap";

const MANAGER = "static_resources.listeners[0].filter_chains[0].filters[0].typed_config";

function edgeOf(manager: Json): EdgeConfig {
  const file = bootstrap({ listeners: [httpListener({ name: "l", routes: [], manager })], clusters: [] });
  const [listener] = parseBootstrap(JSON.stringify(file), "f.json").bootstrap.listeners;
  if (listener?.kind !== "http") throw new Error("no HTTP listener");
  return listener.http.edge;
}

function refusals(manager: Json): string[] {
  try {
    edgeOf(manager);
  } catch (error) {
    if (error instanceof ConfigError)
      return error.issues.map(({ path, message }) => `${path.replace(`${MANAGER}.`, "")}: ${message}`);
    throw error;
  }
  return [];
}

describe("The edge of a connection manager", () => {
  test("nothing said", () => {
    expect(edgeOf({})).toEqual({
      path: { normalize: false, mergeSlashes: false, escapedSlashes: "KEEP_UNCHANGED" },
      host: { stripPort: "none", stripTrailingDot: false },
      client: {
        useRemoteAddress: false,
        trustedHops: 0,
        skipXffAppend: false,
        appendForwardedPort: false,
        internal: [],
      },
      requestId: {
        generate: true,
        preserveExternal: false,
        inResponse: false,
        packTraceReason: true,
        useForSampling: true,
      },
      internalOnly: [],
      via: "",
      serverHeader: "OVERWRITE",
      addUserAgent: false,
      schemeToSet: undefined,
      schemeOfUpstream: false,
    });
  });

  test("addresses that are internal: none, the private ones, those that are named", () => {
    const internal = (config: Json) => edgeOf(config).client.internal.map(({ address }) => address);
    expect(internal({})).toEqual([]);
    expect(internal({ internal_address_config: { unix_sockets: true } })).toContain("192.168.0.0");
    const cidr_ranges = [{ address_prefix: "203.0.113.0", prefix_len: 24 }];
    expect(internal({ internal_address_config: { cidr_ranges } })).toEqual(["203.0.113.0"]);
  });

  const ranges = (range: Json): Json => ({ internal_address_config: { cidr_ranges: [range] } });
  test.each([
    [
      { strip_any_host_port: true, strip_matching_host_port: true },
      /^strip_any_host_port: .*cannot both be set/,
    ],
    [{ path_with_escaped_slashes_action: "UNESCAPE" }, /^path_with_escaped_slashes_action: expected one of/],
    [{ scheme_header_transformation: { scheme_to_overwrite: "ftp" } }, /must be "http" or "https"/],
    [{ via: "a\nb" }, /^via: must not contain NUL, CR or LF/],
    [ranges({ address_prefix: "nowhere" }), /address_prefix: must be an IP address/],
    [ranges({ address_prefix: "10.0.0.0", prefix_len: 33 }), /prefix_len: must not be above 32/],
    [{ original_ip_detection_extensions: [] }, /^original_ip_detection_extensions: /],
    [{ request_id_extension: { typed_config: { "@type": "x" } } }, /^request_id_extension\.typed_config/],
  ])("%j is refused", (manager, message) => {
    const found = refusals(manager);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(message);
  });

  test("false beside true is no contradiction", () => {
    const one = edgeOf({ strip_any_host_port: false, strip_matching_host_port: true });
    expect(one.host.stripPort).toBe("matching");
  });
});
