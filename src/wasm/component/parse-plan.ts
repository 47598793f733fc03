/**
 * Checks a link plan that comes from a cache or a child process before anything is done with it: its
 * form by a schema, and that every index leads to what was made before.
 */

import { z } from 'zod';
import { RingfenceError } from '../../errors.ts';
import { DEFAULT_COMPONENT_CAPS } from './caps.ts';
import {
  type CoreReference,
  declaredBytes,
  type LinkPlan,
  PLAN_FORMAT,
  type PlanStep,
} from './link-plan.ts';
import { parseInterfaceName } from './names.ts';

const { nameBytes, coreInstances, loweredFunctions, linkItems, listItems, imports, modules } =
  DEFAULT_COMPONENT_CAPS;

const PAGES_MAX = 65_536;
const TABLE_ELEMENTS_MAX = 2 ** 32 - 1;

const index = z.int().min(0).max(linkItems);
const size = z.int().min(0);
const name = z.string().max(nameBytes);
const encoding = z.enum(['utf8', 'utf16', 'latin1+utf16']);
const exported = z.strictObject({ instance: index, name });
const reference = z.union([exported, z.strictObject({ lowered: index })]);
const interfaceName = z
  .string()
  .refine((text) => parseInterfaceName(text)?.version === null, 'is no interface without version');
const version = z.string().max(32);

const planModule = z
  .strictObject({
    size,
    injected: name,
    startExport: name.nullable(),
    memories: z
      .array(
        z.strictObject({
          initialPages: z.int().min(0).max(PAGES_MAX),
          maximumPages: size.nullable(),
          is64: z.boolean(),
        }),
      )
      .max(listItems),
    importsMemories: z.boolean(),
    tables: z
      .array(
        z.strictObject({
          initial: z.int().min(0).max(TABLE_ELEMENTS_MAX),
          maximum: size.nullable(),
        }),
      )
      .max(listItems),
    image: z
      .strictObject({
        memories: z.array(name).max(listItems),
        globals: z.strictObject({ read: name, write: name, count: size }).nullable(),
      })
      .nullable(),
    segmentBytes: size,
    types: size,
  })
  .refine(
    ({ importsMemories, memories }) =>
      !importsMemories ||
      memories.every(({ is64, maximumPages }) => !is64 && (maximumPages ?? 0) <= PAGES_MAX),
    'imports memories that can not be given',
  );

const step = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('instantiate'),
    module: index,
    args: z.array(z.tuple([name, index])).max(linkItems),
  }),
  z.strictObject({
    kind: z.literal('inline'),
    exports: z.array(z.tuple([name, reference])).max(linkItems),
  }),
  z.strictObject({ kind: z.literal('start'), function: reference }),
]);

const lowered = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('function'),
    interface: interfaceName,
    version,
    name,
    encoding,
    memory: exported.nullable(),
    realloc: exported.nullable(),
  }),
  z.strictObject({ kind: z.literal('resource-drop'), interface: interfaceName, resource: name }),
]);

const schema = z.strictObject({
  format: z.literal(PLAN_FORMAT),
  modules: z.array(planModule).max(modules),
  steps: z.array(step).max(coreInstances),
  lowered: z.array(lowered).max(loweredFunctions),
  imports: z
    .array(
      z.strictObject({
        name,
        interface: interfaceName,
        version,
        functions: z.array(name).max(listItems),
      }),
    )
    .max(imports),
  exports: z.array(name).max(listItems),
  entry: z.strictObject({
    kind: z.enum(['agent-run', 'wasi-cli-run', 'http-handle']),
    core: exported,
    postReturn: exported.nullable(),
    memory: exported.nullable(),
    encoding,
  }),
  features: z.strictObject({ gc: z.boolean(), relaxedSimd: z.boolean() }),
  legacyExceptions: z.boolean(),
  declaredBytes: size,
});

/**
 * Reads a plan from JSON that was parsed already.
 *
 * @throws RingfenceError RF_INTERNAL where it isn't a plan, or one that refers to what isn't there.
 */
export function parsePlan(json: unknown): LinkPlan {
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    wrong(`at ${issue?.path.map(String).join('.') ?? '?'}`);
  }
  const plan: LinkPlan = parsed.data;
  checkSteps(plan);
  for (const { kind, ...rest } of plan.lowered) {
    if (kind !== 'function') continue;
    const { memory, realloc } = rest as {
      memory: CoreReference | null;
      realloc: CoreReference | null;
    };
    for (const each of [memory, realloc]) checkReference(each, plan, plan.steps.length);
  }
  const { core, postReturn, memory } = plan.entry;
  for (const each of [core, postReturn, memory]) checkReference(each, plan, plan.steps.length);
  if (plan.declaredBytes !== declaredBytes(plan.steps, plan.modules)) {
    wrong('its declared bytes are others than those of its modules');
  }
  return plan;
}

function checkSteps(plan: LinkPlan): void {
  let items = 0;
  for (const [at, each] of plan.steps.entries()) {
    const names = namesOf(each);
    items += names.length;
    if (new Set(names).size !== names.length) wrong(`step ${at} has a name twice`);
    if (each.kind === 'instantiate') {
      if (each.module >= plan.modules.length) wrong(`step ${at} has no module`);
      for (const [, instance] of each.args) {
        if (instance >= at) wrong(`step ${at} needs a later one`);
      }
    } else if (each.kind === 'start') checkReference(each.function, plan, at);
    else for (const [, wanted] of each.exports) checkReference(wanted, plan, at);
  }
  if (items > linkItems) wrong('it has too many arguments');
}

function namesOf(each: PlanStep): string[] {
  if (each.kind === 'start') return [];
  return (each.kind === 'instantiate' ? each.args : each.exports).map(([key]) => key);
}

/** A reference must lead to a lowered function, or to an instance of a module made before `end`. */
function checkReference(wanted: CoreReference | null, plan: LinkPlan, end: number): void {
  if (wanted === null) return;
  if ('lowered' in wanted) {
    if (wanted.lowered >= plan.lowered.length) wrong('it refers to no lowered function');
  } else if (wanted.instance >= end) wrong('it refers to a later step');
  else if (plan.steps[wanted.instance]!.kind !== 'instantiate') {
    wrong('it refers to an export of no module');
  }
}

function wrong(problem: string): never {
  throw new RingfenceError(
    'RF_INTERNAL',
    `The link plan is wrong: ${problem}; remove it from the cache, so that it is made anew.`,
  );
}
