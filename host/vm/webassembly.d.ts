/** The part of the WebAssembly JavaScript API this host uses; TypeScript ships it only with the browser's library. */
declare namespace WebAssembly {
  interface ModuleImport {
    module: string;
    name: string;
    kind: string;
  }
  interface ModuleExport {
    name: string;
    kind: string;
  }
  class Module {
    constructor(bytes: Uint8Array);
    static imports(module: Module): ModuleImport[];
    static exports(module: Module): ModuleExport[];
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean });
    readonly buffer: ArrayBuffer;
  }
  class Table {
    constructor(descriptor: { element: string; initial: number; maximum?: number });
    set(index: number, value: unknown): void;
  }
  class Global {
    value: unknown;
  }
  type Imports = Record<string, Record<string, unknown>>;
  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Record<string, unknown>;
  }
  function validate(bytes: Uint8Array): boolean;
  function compile(bytes: Uint8Array): Promise<Module>;
}
