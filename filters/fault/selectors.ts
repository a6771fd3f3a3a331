import { xds } from "proxy-wasm-toolkit/sdk";
import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";

/** The gateway that stands for all sidecars. */
const MESH = "mesh";

/**
 * Does a match block speak of requests of this workload? Its selectors choose proxies, so they are asked once, of what this
 * proxy's node says of itself. Where gateways are named the labels are not asked, as in Istio.
 */
export function isForUs(fields: Fields, json: JsonValue, path: string): bool {
  const gateways = json.get("gateways");
  const labels = json.get("sourceLabels");
  const namespace = json.get("sourceNamespace");
  let fits = true;
  if (gateways != null) {
    const names = fields.texts(gateways, `${path}.gateways`);
    if (names.length > 0) fits = names.includes(MESH);
  }
  if (namespace != null) {
    const wanted = fields.text(namespace, `${path}.sourceNamespace`);
    if (wanted != "" && wanted != nodeText("NAMESPACE", "")) fits = false;
  }
  if (labels != null && fields.isObject(labels, `${path}.sourceLabels`)) {
    const asked = gateways == null || gateways.items.length == 0;
    for (let i = 0; i < labels.keys.length; i++) {
      const key = labels.keys[i];
      const value = fields.text(labels.items[i], `${path}.sourceLabels.${key}`);
      if (asked && value != nodeText("LABELS", key)) fits = false;
    }
  }
  return fits;
}

/** A text of this proxy's node metadata; "" when it is not there. */
function nodeText(name: string, key: string): string {
  const at = xds.node.metadata.at(name);
  const text = key == "" ? at.text : at.at(key).text;
  return text == null ? "" : text;
}
