import { request } from "node:http";
import type { ListenerAddress } from "../engine";

export interface AdminAddress {
  host: string;
  port: number;
}

export interface AdminReply {
  status: number;
  body: string;
}

/** One request to Envoy's admin interface, on a connection of its own. */
export function askAdmin(admin: AdminAddress, method: "GET" | "POST", path: string): Promise<AdminReply> {
  return new Promise((resolve, reject) => {
    const ask = request({ ...admin, method, path, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", reject);
      response.once("end", () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }),
      );
    });
    ask.once("error", reject);
    ask.end();
  });
}

/** Reads `host:port` or `[v6]:port` as Envoy writes it to --admin-address-path. */
export function parseAddress(text: string): AdminAddress | undefined {
  const match = /^\[?([^\]]+?)\]?:(\d+)\s*$/.exec(text);
  return match ? { host: match[1]!, port: Number(match[2]) } : undefined;
}

interface ListenerStatuses {
  listener_statuses?: {
    name: string;
    local_address?: { socket_address?: { address: string; port_value?: number } };
  }[];
}

/** The listeners as they are bound: ephemeral ports are real numbers here. */
export async function askListeners(admin: AdminAddress): Promise<ListenerAddress[]> {
  const { body } = await askAdmin(admin, "GET", "/listeners?format=json");
  const statuses = (JSON.parse(body) as ListenerStatuses).listener_statuses ?? [];
  return statuses.flatMap(({ name, local_address }) => {
    const socket = local_address?.socket_address;
    return socket ? [{ name, host: socket.address, port: socket.port_value ?? 0 }] : [];
  });
}

/** Active requests of clients, and streams to hosts: those of TCP connections are counted nowhere else. */
const ACTIVE = encodeURIComponent("^(http\\..*downstream_rq_active|cluster\\..*upstream_rq_active)$");

/** What is under way through the proxy's own listeners; the admin interface counts our question as one more. */
export async function askActiveRequests(admin: AdminAddress): Promise<number> {
  const { body } = await askAdmin(admin, "GET", `/stats?filter=${ACTIVE}`);
  let active = 0;
  for (const line of body.split("\n")) {
    if (line.startsWith("http.admin.")) continue;
    active += Number(line.slice(line.lastIndexOf(":") + 1)) || 0;
  }
  return active;
}
