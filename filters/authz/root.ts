import { logError, logInfo, logWarn, RootContext } from "proxy-wasm-toolkit/sdk";
import { Claims, MetadataClaims } from "./claims";
import { Config, readConfig } from "./config";
import { Terms } from "./terms";

/** A plugin's policies, for requests or for connections: which of both it sees is not known when it is configured. */
export class AuthzRoot extends RootContext {
  readonly config: Config = new Config();
  /** What a filter in front has verified, when this one has no rules for tokens itself. */
  readonly claims: Claims = new MetadataClaims();
  private text: string = "";
  private onConnections: Config | null = null;

  onConfigure(config: string): string | null {
    this.text = config;
    const terms = new Terms();
    const error = readConfig(config, this.config, terms, "rbac.");
    warn(terms);
    return error;
  }

  /** The policies as they are for connections, read when the first comes. */
  get forConnections(): Config {
    const known = this.onConnections;
    if (known != null) return known;
    const config = new Config();
    const terms = new Terms();
    terms.tcp = true;
    // It has been accepted before: what is wrong now would be a bug, and then nobody may pass.
    const error = readConfig(this.text, config, terms, "tcp.rbac.");
    if (error != null) {
      config.broken = true;
      logError(error);
    }
    warn(terms);
    this.onConnections = config;
    return config;
  }
}

function warn(terms: Terms): void {
  if (terms.asksForPeer)
    logInfo("addresses of peers: where the proxy trusts X-Forwarded-For they are the client's");
  for (let i = 0; i < terms.warnings.length; i++) logWarn(terms.warnings[i]);
}
