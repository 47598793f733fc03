/**
 * Makes a component's link plan: follows its definitions, checks its imports, finds what to start.
 */

import type { Features } from '../metering/features.ts';
import { type ComponentCaps, DEFAULT_COMPONENT_CAPS } from './caps.ts';
import { refuseAsyncVersion } from './check.ts';
import {
  type Evaluated,
  evaluate,
  type FunctionItem,
  type Item,
  type ModuleFacts,
} from './evaluate.ts';
import {
  declaredBytes,
  type LinkPlan,
  PLAN_FORMAT,
  type PlanEntry,
  type PlanModule,
} from './link-plan.ts';
import { parseInterfaceName, showName } from './names.ts';
import type { Offered } from './offered.ts';
import { refused } from './refuse.ts';
import { dropShims, shimRole } from './shims.ts';
import type { Component } from './syntax.ts';
import type { FunctionType } from './types.ts';

export * from './link-plan.ts';
export { parsePlan } from './parse-plan.ts';

/** A metered module, as far as a plan speaks of it. */
export interface PlannedModule extends ModuleFacts, Omit<PlanModule, 'size'> {
  readonly bytes: Uint8Array;
  readonly features: Features;
  readonly legacyExceptions: boolean;
}

/**
 * Checks a component's imports and exports and makes its plan. `modules` are its core modules as
 * metering left them, in their order.
 *
 * @throws RingfenceError RF_MODULE_REFUSED naming the import, export or feature that isn't offered;
 * RF_MODULE_INVALID where an index or a name leads nowhere.
 */
export function planComponent(
  component: Component,
  offered: Offered,
  modules: readonly PlannedModule[],
  caps: Partial<ComponentCaps> = {},
): LinkPlan {
  if (modules.length !== component.modules.length) {
    throw new RangeError(`${modules.length} modules for ${component.modules.length}`);
  }
  const limits = { ...DEFAULT_COMPONENT_CAPS, ...caps };
  const evaluated = evaluate(component, offered, modules, limits);
  const planModules = modules.map(planModule);
  const roles = component.modules.map(({ bytes }) => shimRole(bytes));
  const entry = findEntry(evaluated);
  const { lowered } = evaluated;
  const steps = dropShims({ steps: evaluated.steps, lowered, entry }, roles);
  requireFew('memories', steps, planModules, limits);
  requireFew('tables', steps, planModules, limits);
  return {
    format: PLAN_FORMAT,
    modules: planModules,
    steps,
    lowered,
    imports: evaluated.imports,
    exports: [...evaluated.exports.keys()],
    entry,
    features: {
      gc: modules.some(({ features }) => features.gc),
      relaxedSimd: modules.some(({ features }) => features.relaxedSimd),
    },
    legacyExceptions: modules.some(({ legacyExceptions }) => legacyExceptions),
    declaredBytes: declaredBytes(steps, planModules),
  };
}

/** Refuses what takes room in the process that its declared bytes don't show. */
function requireFew(
  what: 'memories' | 'tables',
  steps: LinkPlan['steps'],
  modules: readonly PlanModule[],
  caps: ComponentCaps,
): void {
  let count = 0;
  for (const step of steps) {
    if (step.kind === 'instantiate') count += modules[step.module]![what].length;
  }
  if (count > caps[what]) {
    refused(
      `has ${count} ${what} in all its instances, more than the ${caps[what]} that are allowed`,
      'build it as one module, or with fewer',
      { cap: what, found: count, most: caps[what] },
    );
  }
}

function planModule(module: PlannedModule): PlanModule {
  const { bytes, injected, startExport, image, memories, importsMemories } = module;
  const { tables, segmentBytes, types } = module;
  return {
    size: bytes.length,
    injected,
    startExport,
    image,
    memories: memories.map(({ initialPages, maximumPages, is64 }) => ({
      initialPages,
      maximumPages,
      is64,
    })),
    importsMemories,
    tables: tables.map(({ initial, maximum }) => ({ initial, maximum })),
    segmentBytes,
    types,
  };
}

const RUN_INTERFACE = 'wasi:cli/run';
const HANDLER_INTERFACE = 'wasi:http/incoming-handler';
const HTTP_TYPES = 'wasi:http/types';
/** What a module exports to be told of changes in a store: nobody would ever call it. */
const WATCHER_INTERFACE = 'wasi:keyvalue/watcher';

/** The agent's own `run` is preferred to a command's, and that to a handler of requests. */
function findEntry({ exports, resource }: Evaluated): PlanEntry {
  for (const name of exports.keys()) {
    if (parseInterfaceName(name)?.interface === WATCHER_INTERFACE) {
      refused(
        `exports ${showName(name)}, which ringfence does not call`,
        'build it without, and have who writes send messages',
      );
    }
  }
  const run = exports.get('run');
  if (run?.kind === 'func' && isAgentRun(run.type)) return entryOf('agent-run', run);
  const command = exported(exports, RUN_INTERFACE, 'run');
  if (command !== null && isCommandRun(command.type)) return entryOf('wasi-cli-run', command);
  const handler = exported(exports, HANDLER_INTERFACE, 'handle');
  if (handler !== null) {
    if (isHandle(handler.type, resource)) return entryOf('http-handle', handler);
    refused(
      `exports "handle" of ${HANDLER_INTERFACE} with another type than wasi:http has`,
      'build it against the WIT of wasi:http 0.2',
    );
  }
  if (run !== undefined) {
    refused(
      `exports "run" as something else than 'func() -> result<_, string>'`,
      'export it with the type that wit/agent.wit says',
    );
  }
  const names = [...exports.keys()].slice(0, 5).map(showName).join(', ');
  return refused(
    `exports nothing that ringfence can start: ${names === '' ? 'nothing at all' : names}`,
    `export 'run: func() -> result<_, string>', ${RUN_INTERFACE}@0.2 or ${HANDLER_INTERFACE}@0.2`,
  );
}

/** A function of an interface of WASI 0.2 that is exported; null: there is none. */
function exported(
  exports: ReadonlyMap<string, Item>,
  interfaceName: string,
  functionName: string,
): FunctionItem | null {
  for (const [name, item] of exports) {
    const parsed = parseInterfaceName(name);
    if (parsed?.interface !== interfaceName || item.kind !== 'instance') continue;
    refuseAsyncVersion(name, parsed);
    const found = item.exports.get(functionName);
    if (/^0\.2\.\d+$/.test(parsed.version ?? '') && found?.kind === 'func') return found;
  }
  return null;
}

function entryOf(kind: PlanEntry['kind'], item: FunctionItem): PlanEntry {
  const { lifted } = item;
  if (lifted === null || !('name' in lifted.core)) {
    return refused('exports a function of the host as what is started', 'export one of its own');
  }
  if (lifted.postReturn !== null && !('name' in lifted.postReturn)) {
    return refused('has a function of the host as its post-return', 'give it one of its own');
  }
  const { core, postReturn, memory, encoding } = lifted;
  return { kind, core, postReturn, memory, encoding };
}

/** `func() -> result<_, string>` */
function isAgentRun(type: FunctionType): boolean {
  const { params, result } = type;
  return params.length === 0 && result?.kind === 'result' && result.ok === null
    ? result.err?.kind === 'string'
    : false;
}

/** `func() -> result` */
function isCommandRun(type: FunctionType): boolean {
  const { params, result } = type;
  if (params.length !== 0 || result?.kind !== 'result') return false;
  return result.ok === null && result.err === null;
}

/** `func(request: incoming-request, response-out: response-outparam)`, of resources that are handed over. */
function isHandle({ params, result }: FunctionType, resource: Evaluated['resource']): boolean {
  const handed = ['incoming-request', 'response-outparam'];
  return (
    result === null &&
    params.length === handed.length &&
    params.every(({ type }, index) => {
      const ours = type.kind === 'own' ? resource(type.resource) : null;
      const owner = parseInterfaceName(ours?.interfaceName ?? '')?.interface;
      return ours?.name === handed[index] && owner === HTTP_TYPES;
    })
  );
}
