import { formatAddress } from "../clusters/cluster";
import type { AdminHandler } from "./admin-server";
import { JSON_TYPE, jsonText } from "./json-text";

/** `/listeners`: the addresses as they are bound. */
export const listenersPage: AdminHandler = ({ listeners }, query) => {
  if (query.get("format") !== "json") {
    const lines = listeners.map(({ address: a }) => `${a.name}::${formatAddress(a.host, a.port)}\n`);
    return { body: lines.join("") };
  }
  const statuses = listeners.map(({ address }) => ({
    name: address.name,
    local_address: { socket_address: { address: address.host, port_value: address.port } },
  }));
  return { contentType: JSON_TYPE, body: jsonText({ listener_statuses: statuses }) };
};
