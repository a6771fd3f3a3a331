import { Argument, Command, type Command as CommanderCommand } from "commander";
import { SHELLS, type Shell, script } from "./completion-scripts";

/** One command as a shell has to know it. */
export interface CommandWords {
  name: string;
  description: string;
  options: {
    flags: string[];
    description: string;
    choices: readonly string[] | undefined;
    takesValue: boolean;
  }[];
  /** Values of its argument; undefined: files. */
  choices: readonly string[] | undefined;
}

/** `proxy-wasm completion`: a script that makes a shell complete our commands, options and their values. */
export function completionCommand(): Command {
  const command = new Command("completion")
    .description("Print a script with which a shell completes commands, options and values.")
    .addArgument(new Argument("<shell>", "which shell").choices(SHELLS))
    .addHelpText("after", HELP);
  return command.action((shell: Shell) => {
    process.stdout.write(script(shell, words(command.parent!)));
  });
}

const HELP = `
Examples:
  $ source <(proxy-wasm completion bash)                           bash, in ~/.bashrc
  $ proxy-wasm completion zsh > "\${fpath[1]}/_proxy-wasm"           zsh, then start a new shell
  $ proxy-wasm completion fish > ~/.config/fish/completions/proxy-wasm.fish`;

/** The commands as they are declared, so that completion knows what there is. */
function words(program: CommanderCommand): CommandWords[] {
  const help = { flags: ["-h", "--help"], description: "show help", choices: undefined, takesValue: false };
  return program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    choices: command.registeredArguments.find((argument) => argument.argChoices)?.argChoices,
    options: [
      ...command.options.map((option) => ({
        flags: [option.short, option.long].filter((flag) => flag != null) as string[],
        description: option.description,
        choices: option.argChoices,
        takesValue: option.required || option.optional,
      })),
      help,
    ],
  }));
}
