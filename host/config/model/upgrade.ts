import type { HttpFilterConfig } from "./http";

/** An entry of the connection manager's `upgrade_configs`. */
export interface ManagerUpgrade {
  /** Lower-case: the value of `upgrade`, or `connect`. */
  type: string;
  /** Granted where a route does not say otherwise. */
  enabled: boolean;
  /** Stand in place of the manager's own; undefined = those. */
  filters: HttpFilterConfig[] | undefined;
}

/** An entry of a route's `upgrade_configs`. */
export interface RouteUpgrade {
  enabled: boolean;
  /** A CONNECT ends here: its bytes go to the host without HTTP around them. */
  terminate: boolean;
}
