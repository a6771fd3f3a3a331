import { xds } from "proxy-wasm-toolkit/sdk";
import { Place } from "./place";

/** Does a policy's selector choose this proxy, by the labels Istio gives it in `node.metadata`? Without one it does. */
export function isSelected(place: Place): bool {
  if (place.isMissing || !place.isObject(["matchLabels"])) return true;
  const labels = place.at("matchLabels");
  const json = labels.json;
  if (json == null || !place.fields.isObject(json, labels.path)) return true;
  const own = xds.node.metadata.at("LABELS");
  let all = true;
  for (let i = 0; i < json.keys.length; i++) {
    const value = own.at(json.keys[i]).text;
    if (labels.at(json.keys[i]).text() != value) all = false;
  }
  // A policy that may be meant for this proxy must not just be left out.
  if (!all && own.raw == null) place.fail("the proxy's node.metadata.LABELS are not set");
  return all;
}
