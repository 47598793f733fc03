/** Writes the binding of one function: straight-line code for exactly its signature. */

import type { FunctionType, ResourceType } from '../../wasm/component/types.ts';
import { contains, coreTypeOf, indent, plus } from './code.ts';
import { type FileWriter, flatNames } from './file-writer.ts';
import { alignOf, type CoreType, flatten, offsetsOf, signatureOf, sizeOf } from './layout.ts';
import { type Lifter, lift, load } from './lifting.ts';
import { lower, store } from './lowering.ts';
import { type NamedFunction, type NamedType, resourceName } from './model.ts';
import { bindingName, quoted } from './naming.ts';
import { typeOf } from './types-writer.ts';

interface Parts {
  readonly file: FileWriter;
  readonly name: string;
  readonly params: readonly CoreType[];
  readonly results: readonly CoreType[];
  /** The runtime's function that fits a host function to the signature. */
  readonly fit: 'mayWait' | 'mustAnswer' | 'mayRelease';
  readonly paramNames: readonly string[];
  /** The lines within `try`. */
  readonly body: readonly string[];
}

function coreTypeList(types: readonly CoreType[]): string {
  return `[${types.map(quoted).join(', ')}]`;
}

function writeBinding(parts: Parts): string {
  const { file, fit } = parts;
  file.runtime('binding', 'type FunctionBinding');
  const binding = bindingName(parts.name);
  const run = file.runtime('binding', fit);
  const endGuest = file.runtime('violation', 'endGuest');
  const usesMemory = parts.body.some((line) => line.includes('memory'));
  const params = parts.paramNames
    .map((name, index) => `${name}: ${coreTypeOf(parts.params[index]!)}`)
    .join(', ');
  const lines = [
    `const ${binding}: FunctionBinding = {`,
    '  interface: INTERFACE,',
    `  name: ${quoted(parts.name)},`,
    `  params: ${coreTypeList(parts.params)},`,
    `  results: ${coreTypeList(parts.results)},`,
    `  bind(fn, call${usesMemory ? ', access' : ''}) {`,
    `    const run = ${run}<Functions[${quoted(parts.name)}]>(${binding}, fn);`,
  ];
  if (usesMemory) {
    const memory = file.runtime('memory', 'GuestMemory');
    lines.push(`    const memory = new ${memory}(call, access);`);
  }
  lines.push(
    `    return (${params}) => {`,
    '      call.enter();',
    '      try {',
    indent(parts.body.join('\n'), 4),
    '      } catch (error) {',
    `        return ${endGuest}(call, error);`,
    '      }',
    '    };',
    '  },',
    '};',
  );
  return `${lines.join('\n')}\n`;
}

/** Without strings, lists and a place in memory only the handles are needed, and these are the call's. */
function viaCall(text: string): string {
  return text.replaceAll('memory.handles.', 'call.handles.');
}

/**
 * Which parameter of a function that may wait is a handle that is given away: it stays in its table until there
 * is an answer, for the call is made again with it. Null: there is none, or more than that, and then the
 * function can not wait.
 */
function keptParameter({ params }: FunctionType): number | null {
  const handles = params.flatMap(({ type }, index) =>
    contains(type, (part) => part.kind === 'own' || part.kind === 'borrow') ? [index] : [],
  );
  const [first] = handles;
  return handles.length === 1 && first !== undefined && params[first]?.type.kind === 'own'
    ? first
    : null;
}

/** The binding of a function. */
export function writeFunction(file: FileWriter, named: NamedFunction): string {
  const types = named.type.params.map((param) => param.type);
  const { result } = named.type;
  const signature = signatureOf(types, result);
  const givesHandles = types.some((type) => contains(type, (part) => part.kind === 'own'));
  const lendsHandles = types.some((type) => contains(type, (part) => part.kind === 'borrow'));
  const lifter: Lifter = { file, lending: givesHandles && lendsHandles ? 'lend' : 'borrow' };
  const kept = signature.spilled || signature.results.length > 0 ? null : keptParameter(named.type);
  const waits = (!givesHandles || kept !== null) && signature.results.length === 0;
  const paramNames = flatNames(signature.params.length);
  if (signature.returnsInMemory) {
    paramNames[paramNames.length - 1] = 'place';
  }

  const usesMemory =
    signature.spilled ||
    signature.returnsInMemory ||
    [...types, ...(result === null ? [] : [result])].some((type) =>
      contains(type, (part) => part.kind === 'string' || part.kind === 'list'),
    );
  const body: string[] = [];
  if (usesMemory) {
    body.push('memory.open();');
  }
  if (signature.returnsInMemory && result !== null) {
    body.push(`const at = memory.place(place, ${sizeOf(result)}, ${alignOf(result)});`);
  }
  const args = liftedArguments(lifter, named, signature.spilled, body);
  if (lifter.lending === 'lend') {
    args.forEach((arg, index) => {
      body.push(`const ${arg.name} = ${arg.value};`);
      args[index] = { ...arg, value: arg.name };
    });
    body.push('memory.handles.endLending();');
  }
  const given = kept === null ? null : (args[kept] as LiftedArgument);
  if (kept !== null && given !== null) {
    args[kept] = { ...given, value: given.value.replace('.own(', '.borrow(') };
  }
  const call = callOf(args);
  body.push(
    ...answer(file, named, call, {
      waits,
      usesMemory,
      inMemory: signature.returnsInMemory,
      given: given?.value ?? null,
    }),
  );
  return writeBinding({
    file,
    name: named.name,
    params: signature.params,
    results: signature.results,
    fit: waits ? 'mayWait' : 'mustAnswer',
    paramNames,
    body: usesMemory ? body : body.map(viaCall),
  });
}

/** One argument a line, with its name where the code doesn't say it. */
function callOf(args: readonly LiftedArgument[]): string {
  if (args.length === 0) {
    return 'run(call)';
  }
  const lines = args.map((arg) =>
    arg.name === arg.value ? `  ${arg.value},\n` : `  ${arg.value}, // ${arg.comment}\n`,
  );
  return `run(\n  call,\n${lines.join('')})`;
}

interface LiftedArgument {
  readonly name: string;
  readonly value: string;
  readonly comment: string;
}

function liftedArguments(
  lifter: Lifter,
  named: NamedFunction,
  spilled: boolean,
  body: string[],
): LiftedArgument[] {
  const { params } = named.type;
  const types = params.map((param) => param.type);
  const names = params.map((param) => param.name);
  if (spilled) {
    const tuple = { kind: 'tuple', elements: types } as const;
    body.push(`const from = memory.place(p0, ${sizeOf(tuple)}, ${alignOf(tuple)});`);
    const { offsets } = offsetsOf(types);
    return types.map((type, index) => ({
      name: `argument${index}`,
      value: load(lifter, type, plus('from', offsets[index]!)),
      comment: names[index]!,
    }));
  }
  let used = 0;
  return types.map((type, index) => {
    const count = flatten(type).length;
    used += count;
    const flat = flatNames(used).slice(used - count);
    return {
      name: `argument${index}`,
      value: lift(lifter, type, flat),
      comment: names[index]!,
    };
  });
}

function answer(
  file: FileWriter,
  named: NamedFunction,
  call: string,
  shape: {
    readonly waits: boolean;
    readonly usesMemory: boolean;
    readonly inMemory: boolean;
    /** Takes the handle that was given away out of its table; null: none was kept there. */
    readonly given: string | null;
  },
): string[] {
  const { result } = named.type;
  const settle = shape.usesMemory ? ['memory.settle();'] : [];
  if (result !== null && !shape.inMemory && flatten(result).length === 1) {
    const value = lower(file, result, 'value');
    return shape.usesMemory || value !== 'value'
      ? [`const value = ${call};`, `const flat = ${value};`, ...settle, 'return flat;']
      : [`return ${call};`];
  }
  const lines: string[] = [];
  if (shape.waits) {
    const wait = file.runtime('binding', 'WAIT');
    const waiting = file.runtime('binding', 'waiting');
    lines.push(
      `const value = ${call};`,
      `if (value === ${wait}) {`,
      `  return ${waiting}(${bindingName(named.name)}, fn);`,
      '}',
      ...(shape.given === null ? [] : [`${shape.given};`]),
    );
  } else {
    lines.push(result === null ? `${call};` : `const value = ${call};`);
  }
  if (result !== null && shape.inMemory) {
    lines.push('memory.reopen();', ...store(file, result, 'at', 'value').split('\n'));
  }
  return [...lines, ...settle, 'return 0;'];
}

/** The binding by which a guest drops its handles of a resource. */
export function writeDrop(file: FileWriter, named: NamedType): string {
  const owner = file.world.owners.get(named.type)!;
  return writeBinding({
    file,
    name: `[resource-drop]${named.name}`,
    params: ['i32'],
    results: [],
    fit: 'mayRelease',
    paramNames: ['handle'],
    body: [
      `const rep = call.handles.drop(${quoted(resourceName(owner))}, handle);`,
      'run?.(call, rep);',
      'return 0;',
    ],
  });
}

/** The member of an interface's function types for dropping a resource. */
export function declareDrop(file: FileWriter, named: NamedType): string {
  const type = typeOf(file, { kind: 'own', resource: named.type as ResourceType });
  return `  ${quoted(`[resource-drop]${named.name}`)}: (self: ${type}) => void;\n`;
}
