/**
 * Compiler transforms that this process adds to every build, before the SDK's own: how coverage gets its counters into
 * modules. Empty, unless somebody fills it.
 */
export const extraTransforms: object[] = [];
