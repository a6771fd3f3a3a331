import { TOLERATED } from "../abi/tolerated";
import { WASI, WASI_MODULES } from "../abi/wasi";
import { BuildError } from "../errors";
import type { AscProgram } from "./compiler";
import type { SourceNames } from "./diagnostics";
import { PACKAGE } from "./sdk-location";

/**
 * Refuses imports Envoy does not provide: the module would not load.
 * @throws BuildError with a line per import, naming where the sources use it
 */
export function checkImports(
  imports: { module: string; name: string }[],
  program: AscProgram | undefined,
  names: SourceNames,
): void {
  const hostcalls = program?.filesByName.get(`~lib/${PACKAGE}/sdk/env`)?.members;
  const problems: string[] = [];
  for (const { module, name } of imports) {
    if (module === "env" && (hostcalls?.has(name) || Object.hasOwn(TOLERATED, name))) continue;
    if ((WASI_MODULES as readonly string[]).includes(module) && Object.hasOwn(WASI, name)) continue;
    problems.push(`${firstUse(name, program, names)}imports ${module}.${name}, which Envoy does not have`);
  }
  if (problems.length > 0) throw new BuildError(problems.join("\n"));
}

/** `file:line:column: ` of the first mention of the import's last name: in the project's own sources, else in a package. */
function firstUse(name: string, program: AscProgram | undefined, names: SourceNames): string {
  const word = name.slice(name.lastIndexOf(".") + 1);
  const sources = [...(program?.filesByName.values() ?? [])].map(({ source }) => source);
  const isOwn = ({ normalizedPath }: { normalizedPath: string }) => !normalizedPath.startsWith("~lib/");
  const isPackage = (source: { normalizedPath: string }) =>
    !isOwn(source) && names.path(source.normalizedPath) !== undefined;
  for (const source of [...sources.filter(isOwn), ...sources.filter(isPackage)]) {
    const at = findWord(withoutComments(source.text), word);
    if (at >= 0) return `${names.position(source.normalizedPath, at, source.text)}: `;
  }
  return "";
}

/** Comments become spaces, so that positions stay. */
function withoutComments(text: string): string {
  return text.replace(/"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\/\*[\s\S]*?\*\/|\/\/.*/g, (part) =>
    part.startsWith("/") ? part.replace(/[^\n]/g, " ") : part,
  );
}

function findWord(text: string, word: string): number {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const around = (text[at - 1] ?? " ") + (text[at + word.length] ?? " ");
    if (!/[\w$]/.test(around)) return at;
  }
  return -1;
}
