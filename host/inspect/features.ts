/** No features, ones that every engine has had for years, and parts of others that cannot be missing alone. */
const PLAIN = new Set(["MVP", "All", "MutableGlobals", "BulkMemoryOpt", "CallIndirectOverlong"]);

/**
 * Features of wasm beyond the first version that a module's code uses, by binaryen's names: without one of them it would
 * not validate. Empty when binaryen cannot read the module at all.
 */
export async function usedFeatures(bytes: Uint8Array): Promise<string[]> {
  const { default: binaryen } = await import("binaryen");
  return silently(() => {
    const module = read(binaryen, bytes);
    if (!module) return [];
    // Newest first: a feature goes before those it builds on.
    const names = Object.entries(binaryen.Features)
      .filter(([name]) => !PLAIN.has(name))
      .sort(([, a], [, b]) => (b as number) - (a as number));
    let needed: number = binaryen.Features.All;
    const used = names.filter(([, feature]) => {
      module.setFeatures(needed & ~(feature as number));
      const isNeeded = module.validate() === 0;
      if (!isNeeded) needed &= ~(feature as number);
      return isNeeded;
    });
    module.dispose();
    return used.map(([name]) => name);
  });
}

function read(binaryen: typeof import("binaryen").default, bytes: Uint8Array) {
  try {
    return binaryen.readBinary(bytes);
  } catch {
    return undefined;
  }
}

/** binaryen prints what fails to validate, with no way to ask it not to; here that is the answer, not news. Nothing else runs meanwhile. */
function silently<T>(run: () => T): T {
  const { stdout, stderr } = process;
  const writes = [stdout.write, stderr.write];
  stdout.write = () => true;
  stderr.write = () => true;
  try {
    return run();
  } finally {
    stdout.write = writes[0]!;
    stderr.write = writes[1]!;
  }
}
