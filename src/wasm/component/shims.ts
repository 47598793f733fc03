/**
 * Leaves out what wit-component puts between a component's modules: a *shim*, whose functions call through
 * a table, and a *fix-up*, which fills that table once the memory is there that lowered functions need. Our
 * host functions look their memory up when they are called, so the modules can have them from the start.
 * Two instances less to make at every start, and a call through a table less at every host call.
 */

import { RingfenceError } from '../../errors.ts';
import { DEFAULT_METER_CAPS } from '../metering/caps.ts';
import { type DecodedModule, decodeModule, SECTION } from '../metering/module.ts';
import { VALUE } from '../metering/value-types.ts';
import { ByteWriter } from '../metering/writer.ts';
import type { CoreReference, LoweredFunction, PlanEntry, PlanStep } from './link-plan.ts';

const TABLE_NAME = '$imports';

/** An import by both its names. */
export interface ImportName {
  readonly module: string;
  readonly name: string;
}

/** What a core module is; null: neither. */
export type ShimRole =
  | { readonly role: 'shim'; readonly count: number }
  | {
      readonly role: 'fix-up';
      /** What it fills the table with, in its order. */
      readonly functions: readonly ImportName[];
      readonly table: ImportName;
      /** An import that it calls when the table is filled. */
      readonly start: ImportName | null;
    };

/** Only what is a shim or a fix-up to the letter is taken for one. */
export function shimRole(bytes: Uint8Array): ShimRole | null {
  let module: DecodedModule;
  try {
    module = decodeModule(bytes, DEFAULT_METER_CAPS);
  } catch (error) {
    // It is refused elsewhere, in more words.
    if (error instanceof RingfenceError) return null;
    throw error;
  }
  const { memories, globals, tags, tables } = module;
  const bare = memories.length + globals.length + tags.length === 0;
  if (!bare || tables.length !== 1 || tables[0]!.is64 || module.sections.has(SECTION.data)) {
    return null;
  }
  if (isShim(module)) return { role: 'shim', count: module.bodies.length };
  return fixUpRole(module);
}

function isShim(module: DecodedModule): boolean {
  const { imports, exports, bodies, tables } = module;
  const table = exports.find(({ kind }) => kind === 'table');
  return (
    imports.length === 0 &&
    module.start === null &&
    !module.sections.has(SECTION.element) &&
    tables[0]!.type === VALUE.functionReference &&
    table?.name === TABLE_NAME &&
    exports.length === bodies.length + 1 &&
    bodies.every((body, index) => {
      const found = exports.find(({ name }) => name === String(index));
      if (found?.kind !== 'function' || found.index !== index) return false;
      const expected = callThrough(module, index);
      const actual = module.bytes.subarray(body.start, body.end);
      return Buffer.compare(expected, actual) === 0;
    })
  );
}

/** The body of a function that hands its parameters to the function at its own place in the table. */
function callThrough(module: DecodedModule, index: number): Uint8Array {
  const type = module.functions[index]!;
  const out = new ByteWriter();
  out.u8(0);
  const { parameters } = module.functionType(type);
  for (let parameter = 0; parameter < parameters.length; parameter++) {
    out.u8(0x20);
    out.u32(parameter);
  }
  out.u8(0x41);
  out.signed(index);
  out.u8(0x11);
  out.u32(type);
  out.raw(0, 0x0b);
  return out.bytes;
}

function fixUpRole(module: DecodedModule): ShimRole | null {
  const { imports, imported, exports, bodies, start } = module;
  const range = module.sections.get(SECTION.element);
  if (bodies.length + exports.length > 0 || range?.count !== 1) return null;
  const functions = imports.filter(({ kind }) => kind === 'function');
  const table = imports.find(({ kind }) => kind === 'table');
  if (table === undefined || imports.length !== functions.length + 1) return null;
  // The start function is an import of its own, and the last of them.
  if (start !== null && start !== imported.function - 1) return null;
  const filled = start === null ? functions : functions.slice(0, -1);
  // An active segment of table 0 at 0 with all functions in their order.
  const expected = new ByteWriter();
  expected.raw(0, 0x41, 0, 0x0b);
  expected.u32(filled.length);
  for (let index = 0; index < filled.length; index++) expected.u32(index);
  const actual = module.bytes.subarray(range.items, range.end);
  if (Buffer.compare(expected.bytes, actual) !== 0) return null;
  return {
    role: 'fix-up',
    functions: filled,
    table,
    start: start === null ? null : functions.at(-1)!,
  };
}

/** The parts of a plan that name core items. */
export interface CoreParts {
  readonly steps: readonly PlanStep[];
  readonly lowered: readonly LoweredFunction[];
  readonly entry: Pick<PlanEntry, 'core' | 'postReturn' | 'memory'>;
}

/** The steps without shims and fix-ups, as far as that changes nothing; instances keep their numbers. */
export function dropShims(
  parts: CoreParts,
  roles: readonly (ShimRole | null)[],
): readonly PlanStep[] {
  let { steps } = parts;
  for (const [shim, step] of steps.entries()) {
    if (step.kind === 'instantiate' && roles[step.module]?.role === 'shim') {
      steps = dropShim({ ...parts, steps }, shim, roles) ?? steps;
    }
  }
  return steps;
}

function dropShim(
  { steps, lowered, entry }: CoreParts,
  shim: number,
  roles: readonly (ShimRole | null)[],
): readonly PlanStep[] | null {
  const found = fixUpOf(steps, shim, roles);
  if (found === null) return null;
  const { fixUp, targets, start } = found;
  const changed: PlanStep[] = [];
  for (const [index, step] of steps.entries()) {
    if (index === fixUp && start !== null) changed.push({ kind: 'start', function: start });
    else if (index === shim || index === fixUp) changed.push({ kind: 'inline', exports: [] });
    else {
      const rewritten = withoutShim(step, index, shim, targets);
      if (rewritten === null) return null;
      changed.push(rewritten);
    }
  }
  // Who still needs one of both as it is keeps both.
  const kept = [
    ...changed.flatMap(referencesOf),
    ...lowered.flatMap((each) => (each.kind === 'function' ? [each.memory, each.realloc] : [])),
    ...[entry.core, entry.postReturn, entry.memory],
  ].some((reference) => reference !== null && (isOf(reference, shim) || isOf(reference, fixUp)));
  return kept ? null : changed;
}

/** All that a step refers to; an instance that is given whole as any export of it. */
function referencesOf(step: PlanStep): CoreReference[] {
  if (step.kind === 'start') return [step.function];
  if (step.kind === 'inline') return step.exports.map(([, reference]) => reference);
  return step.args.map(([name, instance]) => ({ instance, name }));
}

/** The step with what the shim leads to in the shim's place; null: that isn't there yet. */
function withoutShim(
  step: PlanStep,
  index: number,
  shim: number,
  targets: readonly CoreReference[],
): PlanStep | null {
  if (step.kind !== 'inline') return step;
  const exports: (readonly [string, CoreReference])[] = [];
  for (const [name, reference] of step.exports) {
    if (!isOf(reference, shim)) exports.push([name, reference]);
    else if (reference.name !== TABLE_NAME) {
      const target = targets[Number(reference.name)];
      // It must be there when it is handed on.
      if (target === undefined || ('instance' in target && target.instance >= index)) return null;
      exports.push([name, target]);
    }
  }
  return { kind: 'inline', exports };
}

function isOf(
  reference: CoreReference,
  instance: number,
): reference is { readonly instance: number; readonly name: string } {
  return 'instance' in reference && reference.instance === instance;
}

/** The one fix-up that fills the shim's table, with what, and what it calls then. */
function fixUpOf(
  steps: readonly PlanStep[],
  shim: number,
  roles: readonly (ShimRole | null)[],
): {
  readonly fixUp: number;
  readonly targets: readonly CoreReference[];
  readonly start: CoreReference | null;
} | null {
  const shimStep = steps[shim];
  const shimRole = shimStep?.kind === 'instantiate' ? roles[shimStep.module] : null;
  for (const [fixUp, step] of steps.entries()) {
    const role = step.kind === 'instantiate' ? roles[step.module] : null;
    if (step.kind !== 'instantiate' || role?.role !== 'fix-up') continue;
    const given = ({ module, name }: ImportName) => argument(steps, step.args, module, name);
    const table = given(role.table);
    if (table === null || !isOf(table, shim) || table.name !== TABLE_NAME) continue;
    const targets = role.functions.map(given);
    const start = role.start === null ? null : given(role.start);
    const complete =
      shimRole?.role === 'shim' &&
      targets.length === shimRole.count &&
      !targets.includes(null) &&
      (role.start === null) === (start === null);
    return complete ? { fixUp, targets: targets as CoreReference[], start } : null;
  }
  return null;
}

/** What an instance is given for one import; null: nothing. */
function argument(
  steps: readonly PlanStep[],
  args: readonly (readonly [string, number])[],
  module: string,
  name: string,
): CoreReference | null {
  const instance = args.find(([from]) => from === module)?.[1];
  const step = steps[instance ?? -1];
  if (step?.kind === 'instantiate') return { instance: instance!, name };
  if (step?.kind !== 'inline') return null;
  return step.exports.find(([exported]) => exported === name)?.[1] ?? null;
}
