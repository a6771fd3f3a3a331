import { isIP } from "node:net";
import type { FormatScope, Operator, Operators } from "../scope";
import { plain } from "../scope";

type Address = (scope: FormatScope) => string | undefined;

/** `ip:port`, the IP of version 6 in brackets. */
const ipOf = (address: string | undefined) =>
  address === undefined ? undefined : /^\[?(.*?)\]?:\d+$/.exec(address)?.[1];
const portOf = (address: string | undefined) => {
  const port = address === undefined ? undefined : /:(\d+)$/.exec(address)?.[1];
  return port === undefined ? undefined : Number(port);
};

/** The bytes of an address. */
function ipBytes(ip: string): number[] {
  if (isIP(ip) === 4) return ip.split(".").map(Number);
  const [head = "", tail] = ip.split("::");
  const groups = (text: string) =>
    (text === "" ? [] : text.split(":")).map((group) => Number.parseInt(group, 16));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const all = [...before, ...Array(8 - before.length - after.length).fill(0), ...after];
  return all.flatMap((group) => [group >> 8, group & 255]);
}

/** The network of an address, in CIDR notation. */
function network(ip: string, wanted: number): string | undefined {
  const family = isIP(ip);
  if (family === 0) return undefined;
  const bits = Math.min(wanted, family === 4 ? 32 : 128);
  const bytes = ipBytes(ip).map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - i * 8))) & 255);
  if (family === 4) return `${bytes.join(".")}/${bits}`;
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16));
  // The URL parser writes it in its short form.
  return `${new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1)}/${bits}`;
}

function withoutPort(about: string, find: Address): Operator {
  return {
    about: `${about}, without its port; the argument makes it a network of so many bits`,
    argument: "optional",
    make(argument) {
      // What is no number counts for nothing (observed).
      if (!/^\d{1,9}$/.test(argument)) return (scope) => ipOf(find(scope));
      const bits = Number(argument);
      return (scope) => {
        const ip = ipOf(find(scope));
        return ip === undefined ? undefined : network(ip, bits);
      };
    },
  };
}

/** An address, and its two parts. `port`: what the operator of the port is called. */
function address(name: string, port: string, about: string, find: Address): Operators {
  return {
    [name]: plain(about, find),
    [`${name}_WITHOUT_PORT`]: withoutPort(about, find),
    [port]: plain(`${about}: its port`, (scope) => portOf(find(scope))),
  };
}

const remote: Address = ({ info: { connection } }) => connection.remoteAddress;
const local: Address = ({ info: { connection } }) => connection.localAddress;
const upstreamLocal: Address = ({ info: { upstream } }) => upstream.localAddress;
const upstreamRemote: Address = ({ info: { upstream } }) => upstream.remoteAddress;

const endpoint = (find: Address) =>
  plain("Always empty: only Envoy's internal listeners have it", (scope) => find(scope) && "");

export const ADDRESSES: Operators = {
  ...address(
    "DOWNSTREAM_REMOTE_ADDRESS",
    "DOWNSTREAM_REMOTE_PORT",
    "The client",
    ({ info }) => info.remoteAddress,
  ),
  ...address(
    "DOWNSTREAM_DIRECT_REMOTE_ADDRESS",
    "DOWNSTREAM_DIRECT_REMOTE_PORT",
    "The connection's other end",
    remote,
  ),
  ...address("DOWNSTREAM_LOCAL_ADDRESS", "DOWNSTREAM_LOCAL_PORT", "Where the client connected to", local),
  ...address(
    "DOWNSTREAM_DIRECT_LOCAL_ADDRESS",
    "DOWNSTREAM_DIRECT_LOCAL_PORT",
    "The connection's own end",
    local,
  ),
  ...address(
    "UPSTREAM_LOCAL_ADDRESS",
    "UPSTREAM_LOCAL_PORT",
    "This end of the connection to the host",
    upstreamLocal,
  ),
  ...address(
    "UPSTREAM_REMOTE_ADDRESS",
    "UPSTREAM_REMOTE_PORT",
    "The host's end of that connection",
    upstreamRemote,
  ),
  DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID: endpoint(local),
  DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID: endpoint(local),
  UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID: endpoint(upstreamRemote),
};
