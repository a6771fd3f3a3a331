import { PortRangeMatch, TlsMatch } from "../leaves";
import { AllOf, Always, AnyOf, Matcher, Not } from "../matcher";
import { readTemplate } from "../path-template";
import { Place } from "../place";
import { Terms } from "../terms";
import { readHeader } from "./header";
import { readMetadata } from "./metadata";
import { readText } from "./texts";

const BOTH: string[] = ["any", "header", "url_path", "metadata", "sourced_metadata"];
const PERMISSION: string[] = [
  "and_rules",
  "or_rules",
  "not_rule",
  "destination_ip",
  "destination_port",
  "destination_port_range",
  "requested_server_name",
  "uri_template",
];
const PRINCIPAL: string[] = [
  "and_ids",
  "or_ids",
  "not_id",
  "authenticated",
  "source_ip",
  "direct_remote_ip",
  "remote_ip",
  "filter_state",
];
const TEMPLATE = ".uri_template.v3.UriTemplateMatchConfig";
const DYNAMIC: string[] = ["metadata", "filter_metadata"];
const ROUTE: string[] = ["xds", "route_metadata", "filter_metadata"];

/** Reads Envoy's Permission and Principal. */
export class ConditionReader {
  private readonly known: string[];

  constructor(
    private readonly terms: Terms,
    private readonly isPrincipal: bool,
  ) {
    this.known = BOTH.concat(isPrincipal ? PRINCIPAL : PERMISSION);
  }

  /** Each of a list that must not be empty. */
  all(place: Place): Matcher[] {
    const items = place.some();
    const all: Matcher[] = [];
    for (let i = 0; i < items.length; i++) all.push(this.read(items[i]));
    return all;
  }

  private set(place: Place): Matcher[] {
    const key = this.isPrincipal ? "ids" : "rules";
    return place.isObject([key]) ? this.all(place.at(key)) : [];
  }

  private read(place: Place): Matcher {
    const kind = place.oneOf(this.known, []);
    const value = place.at(kind);
    if (kind == "and_rules" || kind == "and_ids") return new AllOf(this.set(value));
    if (kind == "or_rules" || kind == "or_ids") return new AnyOf(this.set(value));
    if (kind == "not_rule" || kind == "not_id") {
      return this.terms.field(value.path, new Not(this.read(value)));
    }
    if (kind == "any") {
      if (!value.flag()) value.fail("expected true");
      return new Always();
    }
    if (kind != "") {
      const leaf = this.leaf(kind, value);
      if (leaf != null) return this.terms.field(value.path, leaf);
    }
    // Whoever found no condition has said why, unless there is just none.
    place.fail("needs a condition");
    return new AnyOf([]);
  }

  private leaf(kind: string, place: Place): Matcher | null {
    const terms = this.terms;
    if (kind == "header") return readHeader(terms, place);
    if (kind == "metadata") return readMetadata(terms, place, DYNAMIC);
    if (kind == "sourced_metadata") return this.sourced(place);
    if (kind == "requested_server_name") return terms.sni(readText(place), place.path);
    if (kind == "destination_port") return terms.port(place.integer(0, 65535), place.path);
    if (kind == "uri_template") return this.template(place);
    if (kind == "direct_remote_ip" || kind == "source_ip") terms.asksForPeer = true;
    if (kind.endsWith("_ip")) return this.ip(kind != "destination_ip", place);
    if (kind == "destination_port_range") {
      if (!place.isObject(["start", "end"])) return null;
      const start = bound(place.at("start"));
      const end = bound(place.at("end"));
      if (start >= end) place.fail("start must be less than end");
      return new PortRangeMatch(start, end);
    }
    if (kind == "url_path") {
      if (!place.isObject(["path"])) return null;
      return terms.path(readText(place.at("path")), place.path);
    }
    if (kind == "authenticated") {
      if (!place.isObject(["principal_name"])) return null;
      const name = place.at("principal_name");
      if (name.isMissing) return new TlsMatch();
      return terms.principal(readText(name), name.path);
    }
    if (!place.isObject(["key", "string_match"])) return null;
    const way = ["filter_state", place.at("key").word()];
    return terms.property(way, false, readText(place.at("string_match")), place.path);
  }

  private sourced(place: Place): Matcher | null {
    if (!place.isObject(["metadata_matcher", "metadata_source"])) return null;
    const from = place.at("metadata_source");
    const name = from.textOr("DYNAMIC");
    if (name != "DYNAMIC" && name != "ROUTE") from.fail("expected DYNAMIC or ROUTE");
    return readMetadata(this.terms, place.at("metadata_matcher"), name == "ROUTE" ? ROUTE : DYNAMIC);
  }

  /** A CidrRange. Without `prefix_len` it is every address of its family, as in Envoy. */
  private ip(isSource: bool, place: Place): Matcher | null {
    if (!place.isObject(["address_prefix", "prefix_len"])) return null;
    const prefix = place.at("address_prefix");
    const address = prefix.text();
    const length = place.at("prefix_len");
    const bits = length.isMissing ? 0 : length.integer(0, 128);
    return this.terms.ip(isSource, address.includes("/") ? "" : `${address}/${bits}`, prefix.path);
  }

  private template(place: Place): Matcher | null {
    const config = place.at("typed_config");
    if (!place.isObject(["name", "typed_config"]) || !config.isObject(["@type", "path_template"]))
      return null;
    const type = config.at("@type");
    if (!type.text().endsWith(TEMPLATE)) type.fail("expected ...UriTemplateMatchConfig");
    const text = config.at("path_template");
    return this.terms.template(readTemplate(place.fields, text.text(), text.path, "*", "**"), text.path);
  }
}

function bound(place: Place): i32 {
  return place.isMissing ? 0 : place.integer(0, 65536);
}
