import { Action, HttpFilter, RootContext, registerHttp } from "proxy-wasm-toolkit/sdk";
import { MetadataClaims } from "../../../filters/authz/claims";
import { Config, readConfig } from "../../../filters/authz/config";
import { Ruling } from "../../../filters/authz/engine";
import { Facts } from "../../../filters/authz/facts";
import { Terms } from "../../../filters/authz/terms";

class Root extends RootContext {
  readonly config: Config = new Config();

  onConfigure(config: string): string | null {
    return readConfig(config, this.config, new Terms(), "rbac.");
  }
}

/** Answers with what the authz filter's indexes find, and with what asking rule by rule finds. */
class Both extends HttpFilter {
  onRequestHeaders(): Action {
    const config = (this.root as Root).config;
    let indexed = "";
    let naive = "";
    for (let i = 0; i < config.engines.length; i++) {
      const engine = config.engines[i];
      const rulings: (Ruling | null)[] = [engine.trial, engine.rules];
      for (let k = 0; k < rulings.length; k++) {
        const ruling = rulings[k];
        if (ruling == null) continue;
        indexed += `${ruling.rules.first(new Facts(config.sources, new MetadataClaims()))} `;
        naive += `${ruling.rules.firstOfAll(new Facts(config.sources, new MetadataClaims()))} `;
      }
    }
    return this.sendLocalResponse(200, `${indexed}\n${naive}`);
  }
}

registerHttp<Both, Root>("both");
