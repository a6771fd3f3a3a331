import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../errors";
import { CertificateAuthority, type Issued } from "./authority";
import { type Identity, spiffeId, workload } from "./spiffe";

export interface FolderOptions {
  identities: readonly Identity[];
  trustDomain: string;
  /** DNS names in every leaf. */
  dns: readonly string[];
  /** How long leaves are valid. */
  days: number;
  /** Makes everything anew, the CA too. */
  force: boolean;
}

/** What was written, paths as given to the command. */
export interface FolderReport {
  ca: { certificate: string; key: string; made: boolean };
  leaves: { identity: string; certificate: string; key: string }[];
}

const pair = (dir: string, name: string) => ({
  certificate: join(dir, `${name}.pem`),
  key: join(dir, `${name}-key.pem`),
});

/** Fills a folder with a CA, unless there is one, and leaves that it signs. Throws UsageError rather than overwrite. */
export async function fillFolder(dir: string, options: FolderOptions): Promise<FolderReport> {
  const { identities, trustDomain, dns, days, force } = options;
  const ca = pair(dir, "ca");
  const leaves = identities.map((identity) => ({
    identity: spiffeId(trustDomain, identity),
    ...pair(dir, `${identity.namespace}-${identity.serviceAccount}`),
  }));
  checkNames([ca.certificate, ca.key, ...leaves.flatMap((leaf) => [leaf.certificate, leaf.key])]);
  const old = !force && existsSync(ca.certificate) ? await readAuthority(ca) : undefined;
  const wanted = leaves.flatMap((leaf) => [leaf.certificate, leaf.key]);
  for (const file of old ? wanted : [ca.certificate, ca.key, ...wanted]) {
    if (!force && existsSync(file)) throw new UsageError(`${file} is there already; --force makes it anew`);
  }
  const authority = old ?? (await CertificateAuthority.create());
  const issued: Issued[] = [];
  for (const { identity } of leaves) issued.push(await authority.issue(workload(identity, dns, days)));
  mkdirSync(dir, { recursive: true });
  if (!old) write(ca, authority);
  for (const [i, leaf] of leaves.entries()) write(leaf, issued[i]!);
  return { ca: { ...ca, made: old === undefined }, leaves };
}

/** `a/b-c` and `a-b/c` are told apart by nothing in a file's name. */
function checkNames(files: readonly string[]): void {
  const twice = files.find((file, i) => files.indexOf(file) !== i);
  if (twice !== undefined) throw new UsageError(`two of these would be called ${twice}`);
}

async function readAuthority(files: { certificate: string; key: string }): Promise<CertificateAuthority> {
  const fault = `${files.certificate} and ${files.key} are no CA of this command; --force makes a new one`;
  try {
    const certificate = readFileSync(files.certificate, "utf8");
    return await CertificateAuthority.read({ certificate, key: readFileSync(files.key, "utf8") });
  } catch (cause) {
    throw new UsageError(fault, { cause });
  }
}

/** Each file appears whole, and a key is never readable by others, not even for a moment. */
function write(files: { certificate: string; key: string }, { certificate, key }: Issued): void {
  replace(files.key, key, 0o600);
  replace(files.certificate, certificate, 0o644);
}

function replace(file: string, text: string, mode: number): void {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(draft, text, { mode, flag: "wx" });
    renameSync(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
}
