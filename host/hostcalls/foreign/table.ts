import { type ForeignFunction, NOTHING } from "./call";
import { compression } from "./compression";
import { expressions } from "./expressions";
import { filterState } from "./filter-state";
import { signatures } from "./signatures";

/** The foreign functions of Envoy 1.40, by name. */
export const FOREIGN_FUNCTIONS: Readonly<Record<string, ForeignFunction>> = {
  clear_route_cache({ context }) {
    context.clearRouteCache();
    return NOTHING;
  },
  ...compression,
  ...signatures,
  ...expressions,
  ...filterState,
};
