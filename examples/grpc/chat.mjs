// node chat.mjs serve [port]: the service `example.Chat`; node chat.mjs say TEXT [port]: one call; talk: lines both ways.
import { Client, credentials, Server, ServerCredentials } from "@grpc/grpc-js";

const text = { serialize: (value) => Buffer.from(value), deserialize: (bytes) => bytes.toString() };
const method = (name, streams) => ({
  path: `/example.Chat/${name}`,
  requestStream: streams,
  responseStream: streams,
  requestSerialize: text.serialize,
  requestDeserialize: text.deserialize,
  responseSerialize: text.serialize,
  responseDeserialize: text.deserialize,
});

const [command, ...words] = process.argv.slice(2);
if (command === "serve") {
  const server = new Server();
  server.addService(
    { Say: method("Say", false), Talk: method("Talk", true) },
    {
      Say: (call, done) => done(null, call.request.toUpperCase()),
      Talk: (call) => call.on("data", (line) => call.write(line.toUpperCase())).on("end", () => call.end()),
    },
  );
  const port = words[0] ?? 9090;
  server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error) => {
    if (error) throw error;
  });
} else {
  const said = command === "say" ? words.shift() : undefined;
  const client = new Client(`127.0.0.1:${words[0] ?? 15001}`, credentials.createInsecure());
  if (said !== undefined) {
    client.makeUnaryRequest("/example.Chat/Say", text.serialize, text.deserialize, said, (error, answer) => {
      console.log(error ? `${error.code} ${error.details}` : answer);
      client.close();
    });
  } else {
    const call = client.makeBidiStreamRequest("/example.Chat/Talk", text.serialize, text.deserialize);
    call.on("data", (line) => process.stdout.write(line)).on("end", () => client.close());
    process.stdin.on("data", (line) => call.write(String(line))).on("end", () => call.end());
  }
}
