/** Who closed a TCP connection, in the proxy's view. */
export enum PeerType {
  Unknown = 0,
  Local = 1,
  Remote = 2,
}
