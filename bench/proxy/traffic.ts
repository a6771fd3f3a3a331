/** What is asked of every subject. */
export interface Traffic {
  name: string;
  title: string;
  http2: boolean;
  method: "GET" | "POST";
  path: string;
  headers: Readonly<Record<string, string>>;
  body: Buffer;
  /** Requests a round. */
  count: number;
}

const USUAL = {
  "user-agent":
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
  accept: "application/json, text/plain, */*",
  "accept-encoding": "gzip, deflate, br",
  "accept-language": "en-US,en;q=0.9",
};
const NOTHING = Buffer.alloc(0);
const UPLOAD = Buffer.alloc(16 * 1024, "u");

/** A message of 100 bytes, as gRPC frames it. */
const MESSAGE = Buffer.concat([Buffer.from([0, 0, 0, 0, 100]), Buffer.alloc(100, "m")]);

const get = { method: "GET", headers: USUAL, body: NOTHING } as const;
const post = {
  method: "POST",
  headers: { ...USUAL, "content-type": "application/octet-stream" },
  body: UPLOAD,
} as const;
const call = {
  method: "POST",
  headers: { "user-agent": "grpc-node-js/1.14.7", "content-type": "application/grpc", te: "trailers" },
  body: MESSAGE,
} as const;

export const TRAFFIC: readonly Traffic[] = [
  { name: "get", title: "HTTP/1.1, small GET", http2: false, path: "/small", count: 2000, ...get },
  { name: "post", title: "HTTP/1.1, POST of 16 KiB", http2: false, path: "/upload", count: 1000, ...post },
  { name: "large", title: "HTTP/1.1, response of 64 KiB", http2: false, path: "/large", count: 1000, ...get },
  { name: "http2", title: "HTTP/2, small GET", http2: true, path: "/small", count: 1000, ...get },
  { name: "grpc", title: "gRPC, unary call", http2: true, path: "/bench.Echo/Say", count: 1000, ...call },
];

/** What the upstream answers. */
export const SMALL = Buffer.from(JSON.stringify({ hello: "world", filler: "x".repeat(60) }));
export const LARGE = Buffer.alloc(64 * 1024, "l");
