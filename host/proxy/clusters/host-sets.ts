import type { HostSetsConfig } from "../../config/model/host-sets";
import type { Host } from "./host";
import { type HostSet, hostSet } from "./host-set";

type MembersListener = (added: readonly Host[], removed: readonly Host[]) => void;

/**
 * All hosts of a cluster by priority.
 *
 * - Who watches hosts (health checks, outlier detection) hears of them by {@link HostSets.onMembers}, which tells of those that
 *   are there already, too, and marks them by `host.setFlag(HealthFlag.FailedActiveHc, true)`; `host.flags`, `host.health` and
 *   `host.has` tell how a host stands.
 * - Who chooses hosts hears by {@link HostSets.onChange} when the sets are others than before: hosts came, went, or count
 *   differently. A flag that changes nothing (a host that fails twice over) is not told.
 */
export class HostSets {
  /** Index = priority; a priority that the file leaves out is an empty set. There is one at least. */
  sets: readonly HostSet[];
  /** In the order of the file. */
  hosts: readonly Host[] = [];
  private readonly membersListeners = new Set<MembersListener>();
  private readonly changeListeners = new Set<() => void>();

  constructor(private readonly config: HostSetsConfig) {
    this.sets = [hostSet([], config)];
  }

  /** Replaces the hosts; those that go are told and no longer heard. Returns those that came or went. */
  update(hosts: readonly Host[]): readonly Host[] {
    const before = new Set(this.hosts);
    const after = new Set(hosts);
    const added = hosts.filter((host) => !before.has(host));
    const removed = this.hosts.filter((host) => !after.has(host));
    if (added.length === 0 && removed.length === 0) return [];
    for (const host of removed) host.onHealthChange = undefined;
    for (const host of added) host.onHealthChange = () => this.refresh(host.priority);
    this.hosts = hosts;
    // Priorities never become fewer, as in Envoy.
    const count = hosts.reduce((most, { priority }) => Math.max(most, priority + 1), this.sets.length);
    const changed = new Set([...added, ...removed].map(({ priority }) => priority));
    this.sets = Array.from({ length: count }, (_, priority) =>
      changed.has(priority) ? this.make(priority) : (this.sets[priority] ?? hostSet([], this.config)),
    );
    for (const listener of this.membersListeners) listener(added, removed);
    for (const listener of this.changeListeners) listener();
    return [...added, ...removed];
  }

  /** A host of that priority counts differently from now on. */
  private refresh(priority: number): void {
    this.sets = this.sets.with(priority, this.make(priority));
    for (const listener of this.changeListeners) listener();
  }

  private make(priority: number): HostSet {
    const own = this.hosts.filter((host) => host.priority === priority);
    return hostSet(own, this.config);
  }

  /** Tells of hosts that come and go, first of those that are there. */
  onMembers(listener: MembersListener): void {
    this.membersListeners.add(listener);
    if (this.hosts.length > 0) listener(this.hosts, []);
  }

  onChange(listener: () => void): void {
    this.changeListeners.add(listener);
  }

  /** How many hosts the sets have in one of their groups. */
  count(of: "hosts" | "healthy" | "degraded" | "excluded"): number {
    return this.sets.reduce((sum, set) => sum + set[of].length, 0);
  }
}
