import type { CommandWords } from "./completion";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** The script for a shell. What is no command, option or known value is completed as a file. */
export function script(shell: Shell, commands: readonly CommandWords[]): string {
  return { bash, zsh, fish }[shell](commands);
}

const PROGRAM = "proxy-wasm";

/** A word for all three shells; commands and options have no quotes of their own. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function bash(commands: readonly CommandWords[]): string {
  const names = commands.map(({ name }) => name).join(" ");
  const cases = commands.map(({ name, options, choices }) => {
    const flags = options.flatMap((option) => option.flags).join(" ");
    const values = options
      .filter((option) => option.choices)
      .map((option) => `        ${option.flags.join("|")}) words="${option.choices!.join(" ")}" ;;`);
    const files = options
      .filter((option) => option.takesValue && !option.choices)
      .flatMap((option) => option.flags);
    return `    ${name})
      case "$prev" in
${values.map((line) => `${line}\n`).join("")}        ${files.length > 0 ? `${files.join("|")}) words="" ;;\n        ` : ""}*) case "$cur" in -*) words="${flags}" ;; *) words="${choices?.join(" ") ?? ""}" ;; esac ;;
      esac ;;`;
  });
  return `# bash completion for ${PROGRAM}: source <(${PROGRAM} completion bash)
_proxy_wasm() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${names} --help --version" -- "$cur"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
  # Without words of ours -o default completes files.
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _proxy_wasm ${PROGRAM}
`;
}

function zsh(commands: readonly CommandWords[]): string {
  const described = commands.map(({ name, description }) => quoted(`${name}:${description}`));
  const cases = commands.map(({ name, options, choices }) => {
    const specs = options.flatMap(({ flags, description, choices: values, takesValue }) => {
      const text = description.replace(/[[\]:]/g, " ");
      const value = values ? `:value:(${values.join(" ")})` : takesValue ? ":value:_files" : "";
      return flags.map((flag) => quoted(`*${flag}[${text}]${value}`));
    });
    const argument = choices ? `*:value:(${choices.join(" ")})` : "*:file:_files";
    return `    ${name}) _arguments ${[...specs, quoted(argument)].join(" \\\n      ")} ;;`;
  });
  return `#compdef ${PROGRAM}
_proxy_wasm() {
  local -a commands=(
    ${described.join("\n    ")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command="\${words[2]}"
  shift words
  (( CURRENT-- ))
  case "$command" in
${cases.join("\n")}
  esac
}
# Autoloaded from fpath the file is the function; sourced it defines it.
if [ "\${funcstack[1]}" = "_proxy-wasm" ]; then _proxy_wasm "$@"; else compdef _proxy_wasm ${PROGRAM}; fi
`;
}

function fish(commands: readonly CommandWords[]): string {
  const lines = [`# fish completion for ${PROGRAM}`];
  for (const { name, description, options, choices } of commands) {
    lines.push(`complete -c ${PROGRAM} -n __fish_use_subcommand -f -a ${name} -d ${quoted(description)}`);
    const within = `complete -c ${PROGRAM} -n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
    if (choices) lines.push(`${within} -f -a ${quoted(choices.join(" "))}`);
    for (const option of options) {
      const flags = option.flags.map((flag) =>
        flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
      );
      const value = option.choices
        ? ` -x -a ${quoted(option.choices.join(" "))}`
        : option.takesValue
          ? " -r"
          : "";
      lines.push(`${within} ${flags.join(" ")}${value} -d ${quoted(option.description)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}
