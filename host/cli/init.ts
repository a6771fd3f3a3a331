import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { Command } from "commander";
import { name as PACKAGE, version } from "../../package.json";
import { UsageError } from "../errors";
import { packageRoot } from "./package-root";

/** What stands in the template for the project's name and for this package's version. */
const NAME = /my-filter/g;
const CLASS = /MyFilter/g;
const VERSION = /\^0\.0\.0/g;

/** npm does not pack these under their own names. */
const RENAMED = { "_package.json": "package.json", _gitignore: ".gitignore" };

/** `proxy-wasm init`: a filter project that builds and passes its test. */
export function initCommand(): Command {
  return new Command("init")
    .description("Make a filter project: source, configuration, a test on both engines.")
    .argument("<dir>", "folder of the project, new or empty; its name becomes the filter's")
    .addHelpText("after", HELP)
    .action((dir: string) => init(dir));
}

const HELP = `
Examples:
  $ proxy-wasm init my-filter && cd my-filter && npm install && npm test`;

function init(dir: string): void {
  const target = resolve(dir);
  const name = nameOf(target);
  if (existsSync(target) && readdirSync(target).length > 0)
    throw new UsageError(`${dir}: not empty; name a new folder`);
  mkdirSync(target, { recursive: true });
  cpSync(join(packageRoot(), "templates/filter"), target, { recursive: true });
  for (const [from, to] of Object.entries(RENAMED)) renameSync(join(target, from), join(target, to));
  for (const file of readdirSync(target)) fillIn(join(target, file), name);
  process.stdout.write(
    `${readdirSync(target).sort().join("\n")}\n\ncd ${shellWord(dir)} && npm install && npm test\n`,
  );
}

function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The folder's name as npm allows it for a package. */
function nameOf(target: string): string {
  const name = basename(target)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  if (!/^[a-z]/.test(name)) throw new UsageError(`${basename(target)}: a filter's name begins with a letter`);
  return name;
}

function fillIn(file: string, name: string): void {
  const className = name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
  const text = readFileSync(file, "utf8");
  writeFileSync(
    file,
    text
      .replace(NAME, name)
      .replace(CLASS, className)
      .replace(VERSION, () => origin()),
  );
}

/** Where a project gets this package: from where this one came, a clone or a tarball, or else from the registry. */
function origin(): string {
  const root = packageRoot();
  const modules = dirname(root);
  if (basename(modules) !== "node_modules") return fileUrl(root);
  const lock = join(modules, ".package-lock.json"); // npm's own list of what it has installed from where
  if (!existsSync(lock)) return `^${version}`;
  const resolved = JSON.parse(readFileSync(lock, "utf8")).packages?.[`node_modules/${PACKAGE}`]?.resolved;
  if (typeof resolved !== "string" || !resolved.startsWith("file:")) return `^${version}`;
  return fileUrl(resolve(dirname(modules), resolved.slice("file:".length)));
}

function fileUrl(path: string): string {
  return `file:${path.replaceAll("\\", "/")}`;
}
