import { message, rule } from "./message";
import { bool, headerName, port } from "./scalars";

/** `original_dst_lb_config` */
export const originalDst = message(
  {},
  { use_http_header: bool, http_header_name: headerName, upstream_port_override: port },
);

interface RawParts {
  type?: string;
  lb_policy?: string;
  load_assignment?: unknown;
  lb_subset_config?: { subset_selectors?: unknown[] };
  original_dst_lb_config?: { use_http_header?: boolean; http_header_name?: string };
}

/** What an ORIGINAL_DST cluster has to be, and what no other may be. */
export const originalDstRules = rule<RawParts>((cluster, fail) => {
  const provided = cluster.lb_policy === "CLUSTER_PROVIDED";
  if (cluster.type !== "ORIGINAL_DST") {
    if (provided) fail("CLUSTER_PROVIDED is for clusters of type ORIGINAL_DST", ["lb_policy"]);
    return;
  }
  if (!provided) fail("an ORIGINAL_DST cluster needs lb_policy: CLUSTER_PROVIDED", ["lb_policy"]);
  if (cluster.load_assignment !== undefined)
    fail("an ORIGINAL_DST cluster has no hosts of its own", ["load_assignment"]);
  if ((cluster.lb_subset_config?.subset_selectors ?? []).length > 0)
    fail("an ORIGINAL_DST cluster has no subsets", ["lb_subset_config"]);
  if (cluster.original_dst_lb_config?.use_http_header !== true)
    fail(
      "Node has no SO_ORIGINAL_DST: where a redirected connection was meant to go is not known; the node engine takes it from a header (original_dst_lb_config.use_http_header)",
      ["type"],
    );
});
