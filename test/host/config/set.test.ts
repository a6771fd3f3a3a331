import { expect, test } from "vitest";
import { applySet, parseBootstrap } from "../../../host/config/index";

const FILE = `
admin: {address: {socket_address: &here {address: 127.0.0.1, port_value: 1}}}
static_resources: {}
`;
const ALIASED = FILE.replace(
  "{}",
  `
  clusters:
  - name: c
    load_assignment:
      cluster_name: c
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: *here}}}]}]`,
);
const PORT =
  "static_resources.clusters[0].load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value";

test("an override behind an alias changes that place only, in both engines' copies", () => {
  const set = [`${PORT}=7`];
  const texts = [
    parseBootstrap(ALIASED, "f.yaml", { set }),
    parseBootstrap(applySet(ALIASED, "f.yaml", set), "f.yaml"),
  ];
  for (const { bootstrap } of texts) {
    expect(bootstrap.admin?.port).toBe(1);
    expect(bootstrap.clusters[0]?.endpoints[0]?.port).toBe(7);
  }
});

test("an override of what the anchor marks reaches every use of it", () => {
  const { bootstrap } = parseBootstrap(ALIASED, "f.yaml", {
    set: ["admin.address.socket_address.port_value=9"],
  });
  expect([bootstrap.admin?.port, bootstrap.clusters[0]?.endpoints[0]?.port]).toEqual([9, 9]);
});

test("a JSON file with long texts of several lines is still JSON after an override", () => {
  const script = Array.from({ length: 20 }, (_, i) => `line ${i} of a configuration`).join("\n");
  const file = { admin: { address: { socket_address: { port_value: 1 } } }, node: { metadata: { script } } };
  const text = applySet(JSON.stringify(file), "f.json", ["admin.address.socket_address.port_value=7"]);
  file.admin.address.socket_address.port_value = 7;
  expect(JSON.parse(text)).toEqual(file);
});
