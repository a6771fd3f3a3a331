import { getPropertyString, HeaderMap, HeaderName, Pairs, PropertyPath } from "proxy-wasm-toolkit/sdk";
import { pathOnly } from "proxy-wasm-toolkit/sdk/text/url";

const PATH = new HeaderName(":path");
const ROUTE_NAME = PropertyPath.of(["xds", "route_name"]);
const CLUSTER_NAME = PropertyPath.of(["xds", "cluster_name"]);

/** What matching asks of a request; read when first asked for, and once. */
export class Request {
  private targetText: string | null = null;
  private pathText: string | null = null;
  private all: Pairs | null = null;
  private routeText: string | null = null;
  private clusterText: string | null = null;

  constructor(private readonly headers: HeaderMap) {}

  /** Path with query; "" when there is none. */
  get target(): string {
    let text = this.targetText;
    if (text == null) {
      text = this.first(PATH);
      if (text == null) text = "";
      this.targetText = text;
    }
    return text;
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

  /** First value of a header that has only one; null when there is none. */
  first(name: HeaderName): string | null {
    return this.headers.get<HeaderName>(name);
  }

  /** All headers, read once. */
  get pairs(): Pairs {
    let pairs = this.all;
    if (pairs == null) this.all = pairs = this.headers.pairs();
    return pairs;
  }
}

function property(path: PropertyPath): string {
  const value = getPropertyString(path);
  return value == null ? "" : value;
}
