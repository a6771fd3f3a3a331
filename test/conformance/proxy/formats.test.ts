import { expect, test } from "vitest";
import { ProxyWasmError } from "../../../host/errors";
import { OPERATORS } from "../../../host/formatter/operators/table";
import { bootstrap, httpListener, type Json } from "../../support/bootstrap";
import { describeEngines, type EngineUnderTest } from "../../support/describe-engines";

/** A file that gives every format to a header of its own. */
const withFormats = (formats: readonly string[]): Json =>
  bootstrap({
    listeners: [
      httpListener({
        name: "l",
        routes: [{ match: { prefix: "/" }, direct_response: { status: 200 } }],
        virtualHost: {
          response_headers_to_add: formats.map((value, i) => ({ header: { key: `x-${i}`, value } })),
        },
      }),
    ],
    clusters: [],
  });

async function starts(engine: EngineUnderTest, formats: readonly string[]): Promise<boolean> {
  try {
    await engine.start(withFormats(formats));
    return true;
  } catch (error) {
    if (error instanceof ProxyWasmError) return false;
    throw error;
  }
}

const REFUSED = [
  ...["%", "a%", "%%%", "%REQ(a)", "%PROTOCOL", "%req(a)%", "%FOO%", "%REQ%", "%REQ()%", "%REQ(a)%)%"],
  ...["%REQ(a b)%", "%REQ(a?b?c)%", "%REQ(aé)%", "%REQ(a):x%", "%REQ(a):18446744073709551616%"],
  ...["%PROTOCOL(x)%", "%DURATION:3%", "%START_TIME:3%", "%CLUSTER_METADATA(a):3%"],
  ...["%START_TIME(%n)%", "%START_TIME(%5n)%", "%START_TIME(%-n)%", "%START_TIME(a%%nb)%"],
  ...["%GRPC_STATUS(x)%", "%PATH(x)%", "%PATH(WQ:x)%", "%QUERY_PARAMS(x)%", "%QUERY_PARAM%"],
  ...["%REQUESTED_SERVER_NAME(x)%", "%REQUESTED_SERVER_NAME(SNI_FIRST:x)%", "%METADATA%", "%METADATA(x:y)%"],
  ...["%COMMON_DURATION%", "%COMMON_DURATION(a)%", "%COMMON_DURATION(a:b:c)%", "%COMMON_DURATION(a:b:ms:x)%"],
  ...["%FILTER_STATE%", "%FILTER_STATE(:PLAIN)%", "%FILTER_STATE(a:X)%", "%FILTER_STATE(a:FIELD)%"],
  ...["%FILTER_STATE(a:PLAIN:x)%", "%ENVIRONMENT%", "%COALESCE%", "%COALESCE(a)%", "%COALESCE({})%"],
  ...['%COALESCE({"operators":[]})%', '%COALESCE({"operators":["FOO"]})%', '%COALESCE({"operators":[1]})%'],
  '%COALESCE({"operators":[{"command":"REQ","param":"a","max_length":0}]})%',
];

const ACCEPTED = [
  ...["50%%", "%REQ(a?)%", "%REQ(?b)%", "%REQ(a):18446744073709551615%", "%PROTOCOL()%", "%REQ(:authority)%"],
  ...["%START_TIME()%", "%START_TIME(%E)%", "%START_TIME(%t%3f%s)%", "%START_TIME((x))%", "%PATH(WQ:)%"],
  ...["%PATH(WQ:ORIG:x)%", "%PATH(:ORIG)%", "%METADATA(DYNAMIC)%", "%COMMON_DURATION(a:b)%"],
  ...[
    "%COMMON_DURATION(::ns)%",
    "%FILTER_STATE(a:PLAIN:)%",
    "%DYNAMIC_METADATA(a):3%",
    "%QUERY_PARAM(a b):3%",
  ],
  ...[
    "%RESPONSE_CODE_DETAILS(x)%",
    '%COALESCE({"x":1,"operators":["PROTOCOL"]})%',
    '%UPSTREAM_METADATA(["a"])%',
  ],
  "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(x)%",
  '%COALESCE({"operators":[{"command":"COALESCE","param":"{\\"operators\\":[\\"PROTOCOL\\"]}"}]})%',
];

/** Arguments for the operators that need one. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  METADATA: "ROUTE:a",
  COMMON_DURATION: "DS_RX_BEG:DS_TX_END:us",
  COALESCE: '{"operators":["PROTOCOL"]}',
};

const complete = Object.entries(OPERATORS).map(([name, { argument }]) => {
  const given = ARGUMENTS[name] ?? "a";
  const needed = argument === "required" || name in ARGUMENTS || name.endsWith("FILTER_STATE");
  return needed ? `%${name}(${given})%` : `%${name}%`;
});

describeEngines("Formats", (engine) => {
  test.concurrent.each(REFUSED)("refused: %s", async (format) => {
    expect(await starts(engine, [format])).toBe(false);
  });

  test("accepted: every operator, and forms that look wrong", async () => {
    expect(complete.length).toBeGreaterThan(150);
    expect(await starts(engine, [...complete, ...ACCEPTED])).toBe(true);
  });
});
