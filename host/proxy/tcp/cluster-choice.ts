import type { TcpProxyConfig } from "../../config/model";
import { hash64 } from "../balancing/hash";
import type { PickRequest } from "../balancing/host-set-balancer";
import { type MatchCriteria, mergeCriteria } from "../balancing/match-criteria";
import { ipOf } from "../clusters/cluster";

/** A cluster that connections go to, and what they ask of its hosts. */
interface Choice {
  readonly cluster: string;
  readonly weight: number;
  readonly criteria: MatchCriteria | undefined;
}

/** Where the connections of a TCP proxy go. */
export class ClusterChoice {
  private readonly choices: readonly Choice[];
  private readonly total: number;
  /** Of a cluster that a filter has chosen. */
  private readonly criteria: MatchCriteria | undefined;

  /** @param random from 0 to below 1 */
  constructor(
    private readonly config: TcpProxyConfig,
    private readonly random: () => number = Math.random,
  ) {
    const { clusters, match } = config;
    this.criteria = mergeCriteria(undefined, match);
    this.choices = clusters.map((each) => ({ ...each, criteria: mergeCriteria(this.criteria, each.match) }));
    this.total = clusters.reduce((sum, { weight }) => sum + weight, 0);
  }

  /** For one connection: by weight, once. */
  take(): { cluster: string; criteria: MatchCriteria | undefined } {
    const { choices } = this;
    let left = choices.length === 1 ? 0 : Math.floor(this.random() * this.total);
    for (const choice of choices) {
      if (left < choice.weight) return choice;
      left -= choice.weight;
    }
    return choices[0]!;
  }

  /** Of a cluster that a filter has put in the place of this one's. */
  named(cluster: string): { cluster: string; criteria: MatchCriteria | undefined } {
    return { cluster, criteria: this.criteria };
  }

  /** What the balancer is asked for a client at `ip:port`. */
  request(criteria: MatchCriteria | undefined, client: string): PickRequest {
    return { hash: this.config.hashSourceIp ? hash64(ipOf(client)) : undefined, criteria };
  }
}
