import type { HeaderMap } from "../../stores/header-map";
import type { Cluster, Host } from "../clusters/cluster";
import { type ClientFacts, type HashOutcome, hashRequest } from "./hash-policy";
import type { ClusterAction } from "./request-rewrite";
import type { Route } from "./route";

/** The hosts of one request: one for each attempt. */
export class HostChoice {
  private hashed: HashOutcome | undefined;
  /** Hosts that a retry is to pass over; undefined = none. */
  private tried: Set<Host> | undefined;

  constructor(
    private readonly cluster: Cluster,
    private readonly route: Route,
    private readonly action: ClusterAction,
    private readonly headers: HeaderMap,
    private readonly client: ClientFacts,
  ) {}

  /** Undefined: the cluster has none. */
  next(): Host | undefined {
    const { cluster, route, action, headers, tried } = this;
    const { hashPolicies } = action;
    if (hashPolicies.length > 0) this.hashed ??= hashRequest(hashPolicies, headers, this.client);
    return cluster.pick({
      hash: this.hashed?.hash,
      criteria: route.match,
      headers,
      avoid: tried && ((each) => tried.has(each)),
      attempts: tried && action.retry?.hostSelectionAttempts,
    });
  }

  /** An attempt goes there. */
  taken(host: Host): void {
    if (!this.action.retry?.avoidPreviousHosts) return;
    this.tried ??= new Set();
    this.tried.add(host);
  }

  /** Cookies that bind the client to the host. */
  addCookies(response: HeaderMap): void {
    for (const cookie of this.hashed?.setCookies ?? []) response.append("set-cookie", cookie);
  }
}
