import { defineMessages } from "./define";

/** The parts of `envoy.config.core.v3` that properties show as messages. */
export const { Locality, Metadata, Node } = defineMessages("envoy.config.core.v3", {
  Locality: { region: [1, "string"], zone: [2, "string"], sub_zone: [3, "string"] },
  Metadata: {
    filter_metadata: [1, "map<string, google.protobuf.Struct>"],
    typed_filter_metadata: [2, "map<string, google.protobuf.Any>"],
  },
  Node: {
    id: [1, "string"],
    cluster: [2, "string"],
    metadata: [3, "google.protobuf.Struct"],
    dynamic_parameters: [12, "map<string, ContextParams>"],
    locality: [4, "Locality"],
    user_agent_name: [6, "string"],
    user_agent_version: [7, "string"],
    extensions: [9, "Extension[]"],
    client_features: [10, "string[]"],
  },
  ContextParams: { params: [1, "map<string, string>"] },
  Extension: {
    name: [1, "string"],
    category: [2, "string"],
    disabled: [5, "bool"],
    type_urls: [6, "string[]"],
  },
});
