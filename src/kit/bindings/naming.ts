/** How the names of WIT are written in the generated TypeScript. */

/** Names that a generated type must not take: the generated code uses them for something else. */
const TAKEN_TYPES: ReadonlySet<string> = new Set([
  'Array',
  'BigInt',
  'Bound',
  'DataView',
  'Error',
  'FunctionBinding',
  'Functions',
  'GuestMemory',
  'HostResource',
  'Map',
  'NestedOption',
  'Number',
  'Object',
  'Result',
  'String',
]);

/** Words that can't name a parameter, nor a function that is declared. */
const RESERVED: ReadonlySet<string> = new Set([
  'arguments',
  'await',
  'case',
  'catch',
  'class',
  'const',
  'continue',
  'default',
  'delete',
  'do',
  'else',
  'enum',
  'eval',
  'export',
  'extends',
  'false',
  'finally',
  'for',
  'function',
  'if',
  'implements',
  'import',
  'in',
  'instanceof',
  'interface',
  'let',
  'new',
  'null',
  'package',
  'private',
  'protected',
  'public',
  'return',
  'static',
  'super',
  'switch',
  'this',
  'throw',
  'true',
  'try',
  'typeof',
  'var',
  'void',
  'while',
  'with',
  'yield',
]);

function words(name: string): string[] {
  return name.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1).toLowerCase();
}

/** `input-stream` → `InputStream`, `DNS-error-payload` → `DnsErrorPayload`. */
export function pascalCase(name: string): string {
  return words(name).map(capitalised).join('');
}

/** `input-stream` → `input_stream`, `[method]counter.add` → `method_counter_add`. */
export function snakeCase(name: string): string {
  return words(name).join('_').toLowerCase();
}

/** Names that share one space: the later of two alike gets a `_`. */
export class Identifiers {
  readonly #taken = new Set<string>();

  take(wanted: string): string {
    let name = wanted;
    while (this.#taken.has(name)) name += '_';
    this.#taken.add(name);
    return name;
  }
}

/** `link-count` → `linkCount`. */
export function camelCase(name: string): string {
  const pascal = pascalCase(name);
  return pascal.charAt(0).toLowerCase() + pascal.slice(1);
}

/** `error-code` → `ERROR_CODE`. */
export function constantCase(name: string): string {
  return words(name).join('_').toUpperCase();
}

/** The name of the generated type for a WIT type of some kind. */
export function typeName(name: string, kind: string): string {
  const pascal = pascalCase(name);
  return TAKEN_TYPES.has(pascal) ? `${pascal}${pascalCase(kind)}` : pascal;
}

/** The name of a parameter in a generated function type. */
export function parameterName(name: string): string {
  const camel = camelCase(name);
  return isReserved(camel) ? `${camel}Argument` : camel;
}

/** Whether it is a word of JavaScript's own, which nothing that a module declares is called. */
export const isReserved = (name: string): boolean => RESERVED.has(name);

/** The name of the constant that holds a function's binding. */
export function bindingName(functionName: string): string {
  const kind = /^\[([a-z-]+)\]/.exec(functionName)?.[1] ?? '';
  const rest = functionName.replace(/^\[[a-z-]+\]/, '');
  const prefix = { constructor: 'new-', 'resource-drop': 'drop-' }[kind] ?? '';
  return `${camelCase(prefix + rest)}Binding`;
}

/** `wasi:io/streams` → `wasi-io-streams`. */
export function fileName(interfaceName: string): string {
  return words(interfaceName).join('-');
}

/** A string literal of the generated code. */
export function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

/** A property key of the generated code. */
export function propertyKey(text: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text) ? text : quoted(text);
}
