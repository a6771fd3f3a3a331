import { Fields } from "proxy-wasm-toolkit/sdk/text/fields";

/** The plugin's settings. */
export class MetricsConfig {
  /** Reports as the destination's proxy (inbound) or the source's (outbound). */
  isDestination: bool = true;
  /** Most label sets that are counted on their own. */
  maxSeries: i32 = 1000;
  /** What is wrong with the text; null = nothing. */
  error: string | null = null;

  static read(text: string): MetricsConfig {
    const config = new MetricsConfig();
    const fields = new Fields();
    const root = fields.parse(text, ["reporter", "maxSeries"]);
    if (root != null) {
      const reporter = fields.text(root.get("reporter"), "reporter");
      config.isDestination = reporter == "destination";
      if (reporter != "destination" && reporter != "source") {
        fields.fail("reporter", 'expected "destination" or "source"');
      }
      const most = root.get("maxSeries");
      if (most != null) config.maxSeries = fields.integer(most, "maxSeries", 1, 100000);
    }
    if (fields.error != "") config.error = fields.error;
    return config;
  }
}
