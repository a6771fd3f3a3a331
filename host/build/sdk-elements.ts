import { BuildError } from "../errors";
import type { AscClass, AscElement, AscFile, AscProgram } from "./compiler";
import { PACKAGE } from "./sdk-location";

/** How the compiler names files of the SDK. */
export const SDK = `~lib/${PACKAGE}/sdk`;

export function isSdk(element: AscElement): boolean {
  return element.internalName.startsWith(`${SDK}/`);
}

/** The file of that path without extension, or the index of that folder. */
export function fileOf(program: AscProgram, name: string): AscFile {
  const file = program.filesByName.get(name) ?? program.filesByName.get(`${name}/index`);
  if (!file) throw new BuildError(`${name}: not part of the program; is the SDK complete?`);
  return file;
}

/** The class and what it extends, nearest first. */
export function lineage(element: AscClass): AscClass[] {
  const chain: AscClass[] = [];
  for (let each: AscClass | null = element; each; each = each.basePrototype) chain.push(each);
  return chain;
}
