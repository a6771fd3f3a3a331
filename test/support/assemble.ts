import binaryen from "assemblyscript/binaryen";

/** Assembles WebAssembly text, with every feature Envoy's V8 has. */
export function assemble(text: string): Uint8Array {
  const module = binaryen.parseText(text);
  module.setFeatures(binaryen.Features.All);
  try {
    if (!module.validate()) throw new Error("the module is not valid WebAssembly");
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}
