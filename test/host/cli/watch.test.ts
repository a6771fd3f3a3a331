import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { FileWatcher } from "../../../host/cli/watch/file-watcher";
import { OneAtATime } from "../../../host/cli/watch/one-at-a-time";

describe("FileWatcher", () => {
  function watched() {
    const dir = mkdtempSync(join(tmpdir(), "proxy-wasm-watch-"));
    const [a, b] = [join(dir, "a"), join(dir, "b")];
    writeFileSync(a, "1");
    const changes: string[][] = [];
    const watcher = new FileWatcher((files) => changes.push(files));
    watcher.watch([a, b]);
    onTestFinished(() => {
      watcher.close();
      rmSync(dir, { recursive: true, force: true });
    });
    return { a, b, dir, changes, watcher };
  }

  test("tells of content, of a file put in another's place, of one that comes and goes", async () => {
    const { a, b, dir, changes } = watched();
    writeFileSync(a, "2");
    await vi.waitFor(() => expect(changes).toEqual([[a]]));
    writeFileSync(join(dir, "new"), "3");
    renameSync(join(dir, "new"), a);
    await vi.waitFor(() => expect(changes).toEqual([[a], [a]]));
    writeFileSync(b, "1");
    await vi.waitFor(() => expect(changes).toEqual([[a], [a], [b]]));
    rmSync(b);
    await vi.waitFor(() => expect(changes).toEqual([[a], [a], [b], [b]]));
  });

  test("no change gets lost when the list is made anew, and what we write ourselves is none", async () => {
    const { a, b, changes, watcher } = watched();
    writeFileSync(a, "2");
    watcher.watch([a, b]);
    await vi.waitFor(() => expect(changes).toEqual([[a]]));
    writeFileSync(b, "ours");
    watcher.accept([b]);
    // The same content again, and a file that nobody asked for.
    writeFileSync(a, "2");
    writeFileSync(`${a}.other`, "x");
    writeFileSync(a, "3");
    await vi.waitFor(() => expect(changes).toEqual([[a], [a]]));
  });
});

describe("OneAtATime", () => {
  test("gathers what comes while it works", async () => {
    const pieces: string[][] = [];
    let finish = () => {};
    const work = new OneAtATime((files) => {
      pieces.push(files);
      return new Promise((resolve) => {
        finish = resolve;
      });
    });
    work.add([]);
    work.add(["a"]);
    work.add(["b"]);
    work.add(["c", "b"]);
    expect(pieces).toEqual([["a"]]);
    finish();
    await vi.waitFor(() => expect(pieces).toEqual([["a"], ["b", "c"]]));
    finish();
    await work.idle();
    work.add(["d"]);
    expect(pieces).toEqual([["a"], ["b", "c"], ["d"]]);
  });
});
