/** What root contexts and streams have in common: the number the proxy knows them by. */
export class Context {
  /** @internal Assigned by the registry; read it for `setEffectiveContext`. */
  contextId: u32 = 0;
}
