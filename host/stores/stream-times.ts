/**
 * Points in the life of a stream, in milliseconds of one clock; 0 = not reached. Written down only where a format asks
 * for them.
 */
export class StreamTimes {
  /** First byte of the request, or the connection. */
  readonly begin = performance.now();
  requestEnd = 0;
  /** Of the connection to the host, whoever it was made for. */
  connectBegin = 0;
  connectEnd = 0;
  handshakeEnd = 0;
  upstreamSendBegin = 0;
  upstreamSendEnd = 0;
  upstreamReceiveBegin = 0;
  upstreamBodyBegin = 0;
  upstreamReceiveEnd = 0;
  responseBegin = 0;
  responseEnd = 0;
}

/** Bytes of a stream on one connection. Counted only where a format asks for them. */
export class ByteCounts {
  wireReceived = 0;
  wireSent = 0;
  headersReceived = 0;
  headersSent = 0;
}
