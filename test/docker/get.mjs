// One request of the app in this pod to another pod, through its own sidecar; what came back, as JSON.
// node get.mjs httpd /hello [name:value ...]
import { request } from "node:http";

const [host, path, ...pairs] = process.argv.slice(2);
const headers = Object.fromEntries(pairs.map((pair) => pair.split(/:(.*)/s).slice(0, 2)));
const began = performance.now();
request({ port: 15001, path, headers: { host, ...headers } }, async (response) => {
  let body = "";
  for await (const chunk of response.setEncoding("latin1")) body += chunk;
  const ms = Math.round(performance.now() - began);
  console.log(JSON.stringify({ status: response.statusCode, headers: response.headers, body, ms }));
}).end();
