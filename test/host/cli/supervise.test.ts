import { EventEmitter } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { supervise } from "../../../host/cli/supervise";
import type { RunningEngine } from "../../../host/engine";

/** A proxy that ends when it is told to, and writes down how. */
function fakeEngine() {
  let end: (how: { code: number; reason: string }) => void = () => {};
  const calls: string[] = [];
  const running: RunningEngine = {
    engine: "node",
    admin: undefined,
    listeners: [],
    ended: new Promise((resolve) => {
      end = resolve;
    }),
    async stop() {
      calls.push("stop");
    },
    async kill() {
      calls.push("kill");
      end({ code: 0, reason: "killed" });
    },
  };
  return { running, calls, end };
}

/** A start that is under way until the test says otherwise. */
function pendingStart() {
  let up: (running: RunningEngine) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const started = new Promise<RunningEngine>((resolve, reject) => {
    up = resolve;
    fail = reject;
  });
  return { start: () => started, up, fail };
}

describe("supervise", () => {
  it("reopens access logs on SIGUSR1, once the proxy is up", async () => {
    const signals = new EventEmitter();
    const { running, end } = fakeEngine();
    const reopenLogs = vi.fn();
    const { start, up } = pendingStart();
    const code = supervise(start, () => {}, signals);
    signals.emit("SIGUSR1");
    up({ ...running, reopenLogs });
    await vi.waitFor(() => {
      signals.emit("SIGUSR1");
      expect(reopenLogs).toHaveBeenCalled();
    });
    end({ code: 0, reason: "over" });
    expect(await code).toBe(0);
    expect(signals.listenerCount("SIGUSR1")).toBe(0);
  });

  it("drains on the first signal, ends at once on the second, exits 0", async () => {
    vi.stubEnv("npm_lifecycle_event", "");
    const { running, calls } = fakeEngine();
    const signals = new EventEmitter();
    const code = supervise(
      async () => running,
      () => {
        signals.emit("SIGINT", "SIGINT");
        signals.emit("SIGINT", "SIGINT");
      },
      signals,
    );
    expect(await code).toBe(0);
    expect(calls).toEqual(["stop", "kill"]);
    expect(signals.listenerCount("SIGINT") + signals.listenerCount("SIGTERM")).toBe(0);
  });

  it("under npm takes the echo of a Ctrl-C for what it is, but not a second SIGTERM", async () => {
    vi.stubEnv("npm_lifecycle_event", "start");
    const { running, calls, end } = fakeEngine();
    const signals = new EventEmitter();
    const code = supervise(
      async () => running,
      () => {
        signals.emit("SIGINT", "SIGINT");
        signals.emit("SIGINT", "SIGINT");
        expect(calls).toEqual(["stop"]);
        signals.emit("SIGTERM", "SIGTERM");
      },
      signals,
    );
    expect(await code).toBe(0);
    expect(calls).toEqual(["stop", "kill"]);
    end({ code: 0, reason: "" });
  });

  it("a signal while it starts stops it once it is up, without saying ready", async () => {
    const { running, calls, end } = fakeEngine();
    const { start, up } = pendingStart();
    const signals = new EventEmitter();
    const onReady = vi.fn();
    const code = supervise(start, onReady, signals);
    signals.emit("SIGTERM", "SIGTERM");
    up(running);
    await vi.waitFor(() => expect(calls).toEqual(["stop"]));
    end({ code: 0, reason: "stopped" });
    expect(await code).toBe(0);
    expect(onReady).not.toHaveBeenCalled();
  });

  it("a second signal while it starts does not wait", async () => {
    const signals = new EventEmitter();
    const code = supervise(pendingStart().start, () => {}, signals);
    signals.emit("SIGTERM", "SIGTERM");
    signals.emit("SIGTERM", "SIGTERM");
    expect(await code).toBe(0);
  });

  it("a start that fails after a signal is no failure; without one it is", async () => {
    const signals = new EventEmitter();
    const cut = pendingStart();
    const code = supervise(cut.start, () => {}, signals);
    signals.emit("SIGINT", "SIGINT");
    cut.fail(new Error("cut short"));
    expect(await code).toBe(0);

    const broken = pendingStart();
    const failure = supervise(broken.start, () => {}, signals);
    broken.fail(new Error("no port"));
    await expect(failure).rejects.toThrow("no port");
  });

  it("passes on how a proxy ended by itself", async () => {
    const { running, end } = fakeEngine();
    const stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const code = supervise(
      async () => running,
      () => end({ code: 1, reason: "envoy died" }),
      new EventEmitter(),
    );
    expect(await code).toBe(1);
    expect(stderr.mock.calls.map(([text]) => text).join("")).toContain("error: envoy died\n");
    stderr.mockRestore();
  });
});
