import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, constants, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A Go module that names h2spec and what it is made of, each with its hash. */
const MODULE = join(import.meta.dirname, "../../tools/h2spec");
const PACKAGE = "github.com/summerwind/h2spec/cmd/h2spec";

/**
 * The path of h2spec: built once with the Go on PATH, then kept beside the downloaded Envoys.
 *
 * @throws when there is no Go, or it cannot build
 */
export async function h2specBinary(): Promise<string> {
  const sums = createHash("sha256").update(await readFile(join(MODULE, "go.sum")));
  const root = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "proxy-wasm-toolkit", "h2spec");
  const folder = join(root, `${sums.digest("hex").slice(0, 12)}-${process.platform}-${process.arch}`);
  const binary = join(folder, "h2spec");
  const built = await access(binary, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (built) return binary;
  await mkdir(folder, { recursive: true });
  // Of several processes that build at the same time the last one wins; all of them have built the same.
  const stage = await mkdtemp(join(folder, ".stage-"));
  try {
    const made = join(stage, "h2spec");
    const args = ["build", "-trimpath", "-buildvcs=false", "-o", made, PACKAGE];
    await run("go", args, { cwd: MODULE }).catch((error: NodeJS.ErrnoException) => {
      throw error.code === "ENOENT"
        ? new Error("Go was not found (Debian: apt-get install golang-go)")
        : error;
    });
    await rename(made, binary);
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
  return binary;
}

/** One of h2spec's cases. */
export interface H2specCase {
  /** As h2spec takes it on its command line: `http2/6.7/2`. */
  id: string;
  title: string;
  /** What came instead of what it wants; undefined when it passes. */
  failure: string | undefined;
}

const cases = (section: string, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => `${section}/${from + i}`);

/** What runs side by side: most of the time is spent waiting for what does not come. */
const SHARES: readonly (readonly string[])[] = [
  ["generic", "hpack"],
  ["http2/3.5", "http2/4.1", "http2/4.2", "http2/4.3", "http2/7"],
  cases("http2/5.1", 1, 7),
  cases("http2/5.1", 8, 10),
  cases("http2/5.1", 11, 13),
  ["http2/5.1.1", "http2/5.1.2", "http2/5.3.1", "http2/5.4.1", "http2/5.5"],
  ["http2/6.1", "http2/6.2", "http2/6.3", "http2/6.4"],
  ["http2/6.5", "http2/6.7", "http2/6.8", "http2/6.9", "http2/6.10"],
  ["http2/8"],
];

/** Runs h2spec's cases, those of its strict mode included; `ids` only, or all of them. */
export async function runH2spec(
  binary: string,
  dir: string,
  target: { port: number; tls: boolean },
  ids?: readonly string[],
): Promise<H2specCase[]> {
  const shares = ids ? ids.map((id) => [id]) : SHARES;
  const reports = await Promise.all(
    shares.map(async (share, i) => {
      const report = join(dir, `${target.port}-${ids ? "again" : "all"}-${i}.xml`);
      const args = ["--strict", "--port", String(target.port), "--junit-report", report];
      if (target.tls) args.push("--tls", "--insecure");
      // It fails when a case does; without a report something else is wrong.
      const failure = await run(binary, [...args, ...share]).catch((error: Error) => error.message);
      const xml = await readFile(report, "latin1").catch(() => {
        throw new Error(`h2spec ${share.join(" ")}: ${failure}`);
      });
      await rm(report);
      return readReport(xml, share);
    }),
  );
  return reports.flat();
}

const SUITE = /<testsuite [^>]*package="([^"]*)"[^>]*>(.*?)<\/testsuite>/gs;
const CASE = /<testcase [^>]*classname="([^"]*)"[^>]*>(.*?)<\/testcase>/gs;

/** By hand: h2spec writes bytes of frames into its XML as they are, which no parser takes. */
function readReport(xml: string, asked: readonly string[]): H2specCase[] {
  return [...xml.matchAll(SUITE)].flatMap(([, section, suite]) => {
    const single = asked.filter((id) => id.slice(0, id.lastIndexOf("/")) === section);
    return [...suite!.matchAll(CASE)].map(([, title, outcome], i) => ({
      id: single[i] ?? `${section}/${i + 1}`,
      title: title!.replaceAll("&#34;", '"'),
      failure: outcome!.replace(/<[^>]*>|[^\x20-\x7e]+/g, " ").trim() || undefined,
    }));
  });
}
