import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";
import { parseJson } from "proxy-wasm-toolkit/sdk/text/json";

/** The plugin's settings; `error` says what is wrong with the text, null = nothing. */
export class MetricsConfig {
  /** Reports as the destination's proxy (inbound) or the source's (outbound). */
  destination: bool = true;
  /** Most series per metric before further ones count as `other`. */
  maxSeries: i32 = 1000;
  error: string | null = null;

  static read(text: string): MetricsConfig {
    const config = new MetricsConfig();
    const parsed = parseJson(text);
    const root = parsed.value;
    if (root == null) {
      config.error = parsed.error;
      return config;
    }
    const fields = new Fields();
    if (fields.object(root, "", ["reporter", "maxSeries"])) {
      const reporter = fields.text(root.get("reporter"), "reporter");
      if (reporter != "destination" && reporter != "source")
        fields.fail("reporter", "expected destination or source");
      config.destination = reporter == "destination";
      const most = root.get("maxSeries");
      if (most != null) config.maxSeries = <i32>fields.number(most, "maxSeries", 1, 100000);
    }
    if (fields.error != "") config.error = fields.error;
    return config;
  }
}
