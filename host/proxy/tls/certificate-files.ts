import { createHash } from "node:crypto";
import { type FSWatcher, readFileSync, watch } from "node:fs";
import { dirname } from "node:path";
import type { CertificateValidation, DataSource, TlsCertificateConfig } from "../../config/model";

/** Something made of certificates that can be made anew. */
export interface Reloadable {
  /** The files it was made of. */
  readonly files: readonly string[];
  /** Reads them again. Throws, and stays as it was, when they are of no use. */
  reload(): void;
}

/** The files that a TLS context names. */
export function filesOf(
  certificate: TlsCertificateConfig | undefined,
  validation: CertificateValidation | undefined,
): string[] {
  const sources: (DataSource | undefined)[] = [
    certificate?.chain,
    certificate?.key,
    certificate?.password,
    validation?.trustedCa,
    validation?.crl,
  ];
  return sources.flatMap((source) => (source?.kind === "file" ? [source.path] : []));
}

/** Certificates come in several files, one after the other. */
const SETTLE_MS = 100;

/**
 * Watches the folders of certificates, as rotation replaces files or the link to their folder, and makes what has changed
 * anew. Connections that are open keep what they began with.
 */
export class CertificateFiles {
  private readonly watchers = new Map<string, FSWatcher>();
  /** What each was made of. */
  private readonly digests = new Map<Reloadable, string>();
  private timer: NodeJS.Timeout | undefined;

  /** `report` hears of every attempt; `error` says why what was there before goes on. */
  constructor(
    contexts: readonly Reloadable[],
    private readonly report: (files: readonly string[], error: unknown) => void,
  ) {
    this.follow(contexts);
  }

  /** From now on these. What is known of them is kept: a change that is on its way is not missed. */
  follow(contexts: readonly Reloadable[]): void {
    const wanted = new Set(contexts);
    for (const context of this.digests.keys()) if (!wanted.has(context)) this.digests.delete(context);
    for (const context of wanted)
      if (!this.digests.has(context)) this.digests.set(context, digest(context.files));
    const folders = new Set(contexts.flatMap(({ files }) => files.map((file) => dirname(file))));
    for (const [folder, watcher] of this.watchers) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.watchers.delete(folder);
    }
    for (const folder of folders) if (!this.watchers.has(folder)) this.watch(folder);
  }

  private watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.schedule());
      // A folder that goes away is no reason to end; nor is one that cannot be watched.
      watcher.on("error", () => {});
      this.watchers.set(folder, watcher);
    } catch (error) {
      this.report([folder], error);
    }
  }

  private schedule(): void {
    // Not put off by the next event: beside them there may be a file that never rests.
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.check();
    }, SETTLE_MS).unref();
  }

  private check(): void {
    for (const context of [...this.digests.keys()]) {
      const seen = digest(context.files);
      if (seen === this.digests.get(context)) continue;
      this.digests.set(context, seen);
      try {
        context.reload();
        this.report(context.files, undefined);
      } catch (error) {
        this.report(context.files, error);
      }
    }
  }

  close(): void {
    clearTimeout(this.timer);
    for (const watcher of this.watchers.values()) watcher.close();
  }
}

function digest(files: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of files) {
    try {
      hash.update(readFileSync(file)).update("\0");
    } catch {
      // Between two versions there may be none.
      hash.update("missing\0");
    }
  }
  return hash.digest("hex");
}
