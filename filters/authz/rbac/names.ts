import { JsonValue } from "proxy-wasm-toolkit/sdk/text/json";

/**
 * Protobuf's JSON may write `andRules` for `and_rules`: makes every key the latter. Keys of `policies` are names somebody
 * chose and stay.
 */
export function useSnakeCase(json: JsonValue, chosen: bool = false): void {
  for (let i = 0; i < json.keys.length; i++) {
    const key = json.keys[i];
    if (!chosen) json.keys[i] = snakeCase(key);
    useSnakeCase(json.items[i], !chosen && key == "policies");
  }
  if (json.isList) for (let i = 0; i < json.items.length; i++) useSnakeCase(json.items[i]);
}

function snakeCase(text: string): string {
  let result = "";
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    result += c >= 65 && c <= 90 ? `_${String.fromCharCode(c + 32)}` : String.fromCharCode(c);
  }
  return result;
}
