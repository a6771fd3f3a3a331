import { OPERATORS } from "./operators/table";

/** The table of operators of docs/access-logs.md. */
export function operatorTable(): string {
  const rows = Object.entries(OPERATORS).map(([name, { argument, length, about }]) => {
    const given = argument === "required" ? "(X)" : argument === "optional" ? "[(X)]" : "";
    return `| \`%${name}${given}${length ? "[:N]" : ""}%\` | ${about.replaceAll("|", "\\|")} |`;
  });
  return ["| operator | value |", "| --- | --- |", ...rows].join("\n");
}
