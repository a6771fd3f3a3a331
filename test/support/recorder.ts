import { subscribe } from "node:diagnostics_channel";
import type { TaskMeta, TestContext } from "vitest";
import type { CallMessage } from "../../host/hostcalls/call-channel";

/**
 * Notes which hostcalls and callbacks each test makes the Node engine go through, so that docs/abi.md can say what covers
 * them and nobody has to keep a list. The reporter `abi-page.ts` reads the notes.
 */
const byRoot = new Map<string, Set<string>>();
let sinceTest = new Set<string>();
let listening = false;

function note(message: unknown): void {
  const { name, rootId, vmId } = message as CallMessage;
  sinceTest.add(name);
  const root = rootId ?? vmId;
  const names = byRoot.get(root) ?? new Set();
  byRoot.set(root, names.add(name));
}

/** Forgets what other blocks of tests have done. */
export function startRecording(): void {
  if (!listening) subscribe("proxy-wasm-toolkit:call", note);
  listening = true;
  byRoot.clear();
}

export function startTest(): void {
  sinceTest = new Set();
}

/** Gives a test what the plugins of one root id have gone through: behaviours that run side by side have one each. */
export function recordRoot({ task }: TestContext, rootId: string): void {
  task.meta.abi = [...(byRoot.get(rootId) ?? [])];
}

/** Gives a test everything since it began, unless others ran beside it. */
export function recordTest({ task }: TestContext): void {
  const meta: TaskMeta = task.meta;
  if (meta.abi === undefined && !task.concurrent) meta.abi = [...sinceTest];
}

declare module "vitest" {
  interface TaskMeta {
    /** Names of hostcalls, callbacks and WASI functions that were called on the Node engine. */
    abi?: string[];
  }
}
