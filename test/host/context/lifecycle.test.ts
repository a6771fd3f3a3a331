import { expect, test } from "vitest";
import { LifecycleEvent, nextStage, Stage } from "../../../host/context/lifecycle";

const EVENTS = ["Start", "Configure", "Log", "Done", "Pending", "Delete"] as const;

/** Every cell of the table: a stage, then where each of the six events leads; `-` is an illegal step. */
const CELLS: [keyof typeof Stage, string][] = [
  ["Created", "Started - Logged Done - Deleted"],
  ["Started", "- Configured - Done Closing Deleted"],
  ["Configured", "- Configured Configured Done Closing Deleted"],
  ["Closing", "- - Closing Done - Deleted"],
  ["Logged", "- - - Done - Deleted"],
  ["Done", "- - Done - - Deleted"],
  ["Deleted", "- - - - - -"],
];

test.each(CELLS)("%s", (stage, wanted) => {
  const got = EVENTS.map((event) => {
    const next = nextStage(Stage[stage], LifecycleEvent[event]);
    return next === undefined ? "-" : Stage[next];
  });
  expect(got.join(" ")).toBe(wanted);
});
