import { getPropertyString, HeaderMap, Pairs, PropertyPath } from "proxy-wasm-toolkit/sdk";
import { pathOnly } from "proxy-wasm-toolkit/sdk/text/url";
import { beginRequest, KnownHeader } from "./known-header";

const PATH = KnownHeader.of(":path");
const ROUTE_NAME = PropertyPath.of(["xds", "route_name"]);
const PORT = PropertyPath.of(["destination", "port"]);
const CLUSTER_NAME = PropertyPath.of(["xds", "cluster_name"]);

/** What matching asks of a request; read when first asked for, and once. */
export class Request {
  private pathText: string | null = null;
  private all: Pairs | null = null;
  private routeText: string | null = null;
  private clusterText: string | null = null;
  private portNumber: i32 = -1;

  constructor(private readonly headers: HeaderMap) {
    beginRequest();
  }

  /** Path with query; "" when there is none. */
  get target(): string {
    const text = this.first(PATH);
    return text == null ? "" : text;
  }

  /** Path without query. */
  get path(): string {
    let text = this.pathText;
    if (text == null) this.pathText = text = pathOnly(this.target);
    return text;
  }

  /** Name of the route the proxy has chosen; "" when it has none. */
  get routeName(): string {
    let text = this.routeText;
    if (text == null) this.routeText = text = property(ROUTE_NAME);
    return text;
  }

  /** Name of the cluster that route leads to; "" when it leads to none. */
  get cluster(): string {
    let text = this.clusterText;
    if (text == null) this.clusterText = text = property(CLUSTER_NAME);
    return text;
  }

  /** The port the client has connected to; 0 = unknown. */
  get port(): i32 {
    if (this.portNumber < 0) this.portNumber = <i32>PORT.int(0);
    return this.portNumber;
  }

  /** First value of a header, or null. */
  first(header: KnownHeader): string | null {
    return header.first(this.headers);
  }

  /** Every value of a header: a repeated one is tested value by value. */
  values(header: KnownHeader): string[] {
    let pairs = this.all;
    if (pairs == null) this.all = pairs = this.headers.pairs();
    return pairs.values(header.name);
  }
}

function property(path: PropertyPath): string {
  const value = getPropertyString(path);
  return value == null ? "" : value;
}
