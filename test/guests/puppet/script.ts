import { percentDecode } from "./bytes";

/** What a plugin does in each callback: the parsed plugin configuration. See test/guests/README.md. */
export class Script {
  /** Log each callback with its arguments. */
  trace: bool = false;
  private sections: Map<string, string[][]> = new Map();

  constructor(text: string) {
    let lines: string[][] = [];
    const all = text.split("\n");
    for (let i = 0; i < all.length; i++) {
      const tokens = tokenize(all[i]);
      if (tokens.length == 0) continue;
      if (tokens[0] == "trace") this.trace = true;
      else if (tokens[0] == "on") {
        // A callback may have several sections: tests put scripts together.
        lines = this.lines(tokens[1]);
        this.sections.set(tokens[1], lines);
      } else lines.push(tokens);
    }
  }

  lines(callback: string): string[][] {
    return this.sections.has(callback) ? this.sections.get(callback) : [];
  }
}

function tokenize(line: string): string[] {
  const tokens: string[] = [];
  const parts = line.trim().split(" ");
  for (let i = 0; i < parts.length; i++) if (parts[i].length > 0) tokens.push(parts[i]);
  return tokens;
}

/** Values that lines have stored under a name, and the arguments of the running callback. */
export const variables: Map<string, string> = new Map();

/** What a token stands for: `''` empty, `$name` a variable, `@1000` so many x, else itself with %XX decoded. */
export function expand(token: string): string {
  if (token == "''") return "";
  const first = token.charCodeAt(0);
  if (first == 0x24) {
    const name = token.substring(1);
    return variables.has(name) ? variables.get(name) : "";
  }
  if (first == 0x40) return "x".repeat(<i32>parseInt(token.substring(1), 10));
  return percentDecode(token);
}
