import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { GenericContainer } from "testcontainers";
import { resolveEnvoy } from "../../../host/envoy/index";
import { docker } from "./docker-cli";
import { type Files, layOut, librariesOf } from "./root-fs";

/** The variables of compose.yaml that name images; unset ones are the public images it names itself. */
export interface Images {
  ENVOY_IMAGE?: string;
  NODE_IMAGE?: string;
  HTTPD_IMAGE?: string;
}

const APACHE = "/usr/sbin/apache2";
const APACHE_MODULES = "/usr/lib/apache2/modules";

/**
 * Images made of programs on this machine, so that no registry is needed: Envoy as the tests use it, the Node that runs
 * them, Debian's Apache if it is installed. A variable that is set already stays; `DOCKER_IMAGES=public` builds none.
 */
export async function localImages(say: (line: string) => void): Promise<Images> {
  const images: Images = {};
  const local = process.env.DOCKER_IMAGES !== "public" && process.platform === "linux";
  for (const [name, programs] of Object.entries(PROGRAMS)) {
    const variable = `${name.toUpperCase()}_IMAGE` as keyof Images;
    const image = process.env[variable] || (local && (await build(name, await programs(), say)));
    if (image) images[variable] = image;
    else say(`docker: ${name} is the image that compose.yaml names`);
  }
  return images;
}

/** What each image is made of; undefined when this machine does not have it. */
const PROGRAMS: Readonly<Record<string, () => Promise<Files | undefined>>> = {
  envoy: async () => ({ "/usr/local/bin/envoy": (await resolveEnvoy()).path }),
  node: async () => ({ "/usr/local/bin/node": process.execPath }),
  httpd: async () => {
    if (!existsSync(APACHE)) return undefined;
    const modules = ["mod_mpm_event.so", "mod_authz_core.so"].map((name) => [
      `/usr/local/apache2/modules/${name}`,
      join(APACHE_MODULES, name),
    ]);
    // The C library loads this one when a thread ends, so that ldd does not name it; Node links it.
    const libgcc = Object.entries(librariesOf([process.execPath])).filter(([path]) =>
      path.includes("/libgcc_s"),
    );
    return { "/usr/local/bin/httpd": APACHE, ...Object.fromEntries([...modules, ...libgcc]) };
  },
};

/** Builds images/<name> around the programs, unless an image of the very same files is there already. */
async function build(
  name: string,
  programs: Files | undefined,
  say: (line: string) => void,
): Promise<string | undefined> {
  if (programs === undefined) return undefined;
  const context = fileURLToPath(new URL(`../images/${name}`, import.meta.url));
  const files = { ...librariesOf(Object.values(programs)), ...programs };
  const tag = `proxy-wasm-toolkit/${name}:${hashOf(context, files)}`;
  if (docker("image", "inspect", "--format", "ok", tag).ok) return tag;
  const began = performance.now();
  const folder = mkdtempSync(join(tmpdir(), "proxy-wasm-image-"));
  try {
    cpSync(context, folder, { recursive: true });
    layOut(join(folder, "rootfs"), files);
    await GenericContainer.fromDockerfile(folder).build(tag, { deleteOnExit: false });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  say(`docker: built ${tag} in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  return tag;
}

function hashOf(context: string, files: Files): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(context).sort()) hash.update(name).update(readFileSync(join(context, name)));
  for (const [to, from] of Object.entries(files).sort()) hash.update(to).update(readFileSync(from));
  return hash.digest("hex").slice(0, 12);
}
