/** Finds the addresses of hosts; the proxy's resolver implements it. */
export interface NameResolver {
  /** Never answers synchronously. IP addresses as text, or undefined when the question could not be put. */
  resolve(name: string, onDone: (addresses: readonly string[] | undefined) => void): void;
}
