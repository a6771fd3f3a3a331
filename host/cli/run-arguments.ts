import { InvalidArgumentError } from "commander";
import { type ModuleBuild, parseBuild } from "./watch/module-build";

export function setArgument(text: string, before: string[] = []): string[] {
  if (text.indexOf("=") < 1)
    throw new InvalidArgumentError(
      `'${text}' is not path=value, as in admin.address.socket_address.port_value=0.`,
    );
  return [...before, text];
}

export function portArgument(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError("A port from 0 (a free one) to 65535 is wanted.");
  return port;
}

export function buildArgument(text: string, before: ModuleBuild[] = []): ModuleBuild[] {
  return [...before, parseBuild(text)];
}

export function countArgument(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1)
    throw new InvalidArgumentError("A whole number from 1 on is wanted.");
  return count;
}
