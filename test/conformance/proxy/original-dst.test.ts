import { expect, vi } from "vitest";
import type { Json } from "../../support/bootstrap";
import { type Behaviour, conformance } from "../../support/conformance";
import { numberedHosts, stats } from "../../support/numbered-hosts";

const hosts = await numberedHosts(3);
const HEADER = "x-envoy-original-dst-host";
const at = (number: number) => `127.0.0.1:${hosts[number]!.port}`;

function byHeader(config: Json = {}, more: Json = {}): Json {
  return {
    type: "ORIGINAL_DST",
    lb_policy: "CLUSTER_PROVIDED",
    load_assignment: undefined,
    original_dst_lb_config: { use_http_header: true, ...config },
    ...more,
  };
}

/** The number of the host that answers, or what the proxy says itself. */
async function answer(b: Behaviour, ...headers: [string, string][]): Promise<string> {
  const response = await b.exchange({ headers });
  return response.header("x-host") ?? `${response.status} ${response.text.split(",")[0]}`;
}

const NOBODY = "503 no healthy upstream";

conformance("Original destination", (section) => {
  const { behaviour } = section;

  behaviour("requests name their host", { cluster: byHeader() }, async (b) => {
    for (const number of [1, 0, 1, 2]) expect(await answer(b, [HEADER, at(number)])).toBe(String(number));
    expect(await stats(section, b, "membership_total", "membership_healthy", "membership_change")).toEqual([
      3, 3, 3,
    ]);
    const text = await section.proxy().admin("/clusters");
    for (const number of [0, 1, 2])
      expect(text).toContain(`${b.id}::${at(number)}::hostname::${b.id}${at(number)}\n`);
  });

  behaviour("of several the first counts; who names none is refused", { cluster: byHeader() }, async (b) => {
    expect(await answer(b, [HEADER, at(1)], [HEADER, at(2)])).toBe("1");
    expect(await answer(b)).toBe(NOBODY);
    expect(
      await stats(section, b, "upstream_cx_none_healthy", "original_dst_host_invalid", "membership_total"),
    ).toEqual([1, 0, 1]);
  });

  behaviour("what is no address and port is refused, and counted", { cluster: byHeader() }, async (b) => {
    const wrong = [
      "",
      "localhost:80",
      "127.0.0.1",
      "127.0.0.1:",
      "127.0.0.1:x",
      "127.0.0.1:65536",
      "127.0.0.1:-1",
      "127.0.0.1:8 0",
      "127.0.0.1:0x50",
      "127.0.0.01:80",
      "127.1:80",
      "[127.0.0.1]:80",
      "::1:80",
      "[::1]80",
      "[::1",
      "[::g]:80",
      "http://127.0.0.1:80",
      `${at(0)}, ${at(1)}`,
      `${at(0)}/`,
      "1.2.3.4:99999999999999999999999",
    ];
    for (const value of wrong) expect(await answer(b, [HEADER, value]), value).toBe(NOBODY);
    expect(await stats(section, b, "original_dst_host_invalid", "membership_total")).toEqual([
      wrong.length,
      0,
    ]);
  });

  behaviour("odd ways to write an address that are one", { cluster: byHeader() }, async (b) => {
    const port = hosts[0]!.port;
    for (const value of [`127.0.0.1:+${port}`, `127.0.0.1: ${port}`, `127.0.0.1:000${port}`])
      expect(await answer(b, [HEADER, value]), value).toBe("0");
    // Nobody listens there, but these are addresses.
    for (const value of ["[::1]:1", "[0:0::0:1]:1", "127.0.0.1:1", "127.0.0.1:0"])
      expect(await answer(b, [HEADER, value]), value).toMatch(/^503 upstream connect error/);
    expect(await stats(section, b, "original_dst_host_invalid", "membership_total")).toEqual([0, 4]);
  });

  behaviour(
    "http_header_name and upstream_port_override",
    { cluster: byHeader({ http_header_name: "X-Where", upstream_port_override: hosts[2]!.port }) },
    async (b) => {
      expect(await answer(b, ["x-where", at(0)])).toBe("2");
      expect(await answer(b, [HEADER, at(0)])).toBe(NOBODY);
    },
  );

  behaviour(
    "the header is asked for as the route makes it",
    {
      routes: (id) => [
        {
          match: { prefix: "/" },
          route: { cluster: id },
          request_headers_to_add: [
            { header: { key: HEADER, value: at(1) }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" },
          ],
        },
      ],
      cluster: byHeader(),
    },
    async (b) => {
      expect(await answer(b, [HEADER, at(0)])).toBe("1");
    },
  );

  behaviour(
    "hosts nobody asks for any more are forgotten once nothing is connected to them",
    { cluster: byHeader({}, { cleanup_interval: "0.2s", max_requests_per_connection: 1 }) },
    async (b) => {
      expect(await answer(b, [HEADER, at(0)])).toBe("0");
      await vi.waitFor(
        async () => expect(await stats(section, b, "membership_total", "membership_change")).toEqual([0, 2]),
        { timeout: 5000 },
      );
      expect(await answer(b, [HEADER, at(0)])).toBe("0");
    },
  );

  behaviour(
    "hosts that something is connected to stay",
    { cluster: byHeader({}, { cleanup_interval: "0.1s" }) },
    async (b) => {
      expect(await answer(b, [HEADER, at(0)])).toBe("0");
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(await stats(section, b, "membership_total", "upstream_cx_total")).toEqual([1, 1]);
    },
  );

  behaviour(
    "a retry goes to the same host",
    {
      routes: (id) => [
        {
          match: { prefix: "/" },
          route: { cluster: id, retry_policy: { retry_on: "connect-failure", num_retries: 2 } },
        },
      ],
      cluster: byHeader(),
    },
    async (b) => {
      expect(await answer(b, [HEADER, "127.0.0.1:1"])).toMatch(/^503 upstream connect error/);
      expect(await stats(section, b, "upstream_cx_total", "membership_total")).toEqual([3, 1]);
    },
  );
});
