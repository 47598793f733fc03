/** The JavaScript API of WebAssembly, as far as it is used here, with JSPI; Node's types have none. */

type BufferSource = ArrayBufferView<ArrayBuffer> | ArrayBuffer;

declare namespace WebAssembly {
  class CompileError extends Error {}
  class LinkError extends Error {}
  class RuntimeError extends Error {
    constructor(message?: string);
  }
  type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'externref' | 'anyfunc' | 'exnref';
  /** What an exception is of. */
  class Tag {
    constructor(type: { parameters: ValueType[] });
  }
  /** What JavaScript's own exceptions are of. */
  const JSTag: Tag;
  /** A WebAssembly exception that left the module. */
  class Exception {
    constructor(tag: Tag, payload: unknown[]);
    is(tag: Tag): boolean;
    getArg(tag: Tag, index: number): unknown;
  }

  type ImportExportKind = 'function' | 'global' | 'memory' | 'table' | 'tag';
  interface ModuleImportDescriptor {
    module: string;
    name: string;
    kind: ImportExportKind;
  }
  interface ModuleExportDescriptor {
    name: string;
    kind: ImportExportKind;
  }

  class Module {
    constructor(bytes: BufferSource);
    static imports(module: Module): ModuleImportDescriptor[];
    static exports(module: Module): ModuleExportDescriptor[];
    static customSections(module: Module, name: string): ArrayBuffer[];
  }

  // biome-ignore lint/complexity/noBannedTypes: exported functions have whatever signature they have.
  type ExportValue = Function | Global | Memory | Table;
  type ImportValue = ExportValue | Tag | number | bigint | string | object | null | undefined;
  type Exports = Record<string, ExportValue>;
  type ModuleImports = Record<string, unknown>;
  type Imports = Record<string, ModuleImports>;

  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Exports;
  }

  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean });
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }

  class Table {
    constructor(descriptor: {
      element: 'anyfunc' | 'externref';
      initial: number;
      maximum?: number;
    });
    readonly length: number;
    get(index: number): unknown;
    set(index: number, value?: unknown): void;
    grow(elements: number, value?: unknown): number;
  }

  interface ValueTypes {
    i32: number;
    i64: bigint;
    f32: number;
    f64: number;
    externref: unknown;
  }
  class Global<Type extends keyof ValueTypes = keyof ValueTypes> {
    constructor(descriptor: { value: Type; mutable?: boolean }, value?: ValueTypes[Type]);
    value: ValueTypes[Type];
  }

  /** An import that suspends the stack below `promising` while its promise is pending. */
  class Suspending {
    constructor(work: (...args: never[]) => unknown);
  }
  /** An export whose call answers a promise, and below which imports may suspend. */
  // biome-ignore lint/complexity/noBannedTypes: exported functions have whatever signature they have.
  function promising(exported: Function): (...args: unknown[]) => Promise<unknown>;

  function validate(bytes: BufferSource): boolean;
  function compile(bytes: BufferSource): Promise<Module>;
  function instantiate(module: Module, imports?: Imports): Promise<Instance>;
}
