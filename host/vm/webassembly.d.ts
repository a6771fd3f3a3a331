/** The part of the WebAssembly JavaScript API this host uses; TypeScript ships it only with the browser's library. */
declare namespace WebAssembly {
  class Module {
    private readonly brand: undefined;
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number });
    readonly buffer: ArrayBuffer;
  }
  type Imports = Record<string, Record<string, unknown>>;
  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Record<string, unknown>;
  }
  function compile(bytes: Uint8Array): Promise<Module>;
}
