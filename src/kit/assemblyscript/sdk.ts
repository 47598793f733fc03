/**
 * The SDK of guests in AssemblyScript, `ringfence/assemblyscript`: which of its modules a world gets, and the
 * module that offers them all.
 *
 * A module needs the bindings of what it calls. A world that lacks them gets the SDK without it.
 */

import { readFileSync } from 'node:fs';
import { VALUES_MODULE } from './types-text.ts';

/** What guests import. */
export const SDK_MODULE = 'ringfence/assemblyscript';

/** A module of the SDK. */
interface SdkModule {
  /** Its file in `sdk/`, without the extension. */
  readonly name: string;
  /** The bindings that it imports. */
  readonly needs: readonly string[];
  /** What guests get of it. */
  readonly offers: readonly string[];
}

const IPC = 'ringfence/agent/ipc';
const TYPES = 'ringfence/agent/types';

const MODULES: readonly SdkModule[] = [
  {
    name: 'json',
    needs: [],
    offers: ['JSON_DEPTH_MAX', 'JSON_UNITS_MAX', 'JSON_VALUES_MAX', 'Json', 'JsonKind'],
  },
  { name: 'json-fields', needs: [], offers: [] },
  { name: 'json-number', needs: [], offers: [] },
  { name: 'json-reader', needs: [], offers: [] },
  { name: 'json-text', needs: [], offers: [] },
  { name: 'json-writer', needs: [], offers: [] },
  { name: 'failure', needs: [TYPES], offers: ['describe'] },
  { name: 'payload', needs: [TYPES], offers: ['jsonOf', 'payloadOf', 'textOf'] },
  { name: 'mailbox', needs: [IPC, TYPES], offers: ['FOREVER', 'mailbox'] },
  { name: 'agent', needs: [IPC, TYPES], offers: ['Agent'] },
  { name: 'timers', needs: ['ringfence/agent/timers', TYPES], offers: ['timers'] },
  { name: 'processes', needs: ['ringfence/agent/process', TYPES], offers: ['Child', 'processes'] },
  { name: 'tools', needs: ['ringfence/agent/tools', TYPES], offers: ['ToolStream', 'tools'] },
  {
    name: 'capabilities',
    needs: ['ringfence/agent/capabilities', 'ringfence/agent/process', TYPES],
    offers: ['capabilities'],
  },
  { name: 'log', needs: ['ringfence/agent/log'], offers: ['log'] },
];

/** Types of the contract that the SDK's functions take and give, by the module of their bindings. */
const TYPES_OFFERED: readonly (readonly [module: string, names: readonly string[]])[] = [
  [VALUES_MODULE, ['Option', 'Result', 'UNIT', 'Unit']],
  [
    TYPES,
    [
      'ExitReason',
      'ExitReasonTag',
      'Payload',
      'PayloadTag',
      'ResourceKind',
      'WitError as Failure',
      'WitErrorTag as FailureTag',
    ],
  ],
  [
    IPC,
    [
      'ExitSignal',
      'Filter',
      'Message',
      'MonitorDown',
      'Received',
      'ReceivedTag',
      'ReplyMessage',
      'RequestMessage',
      'ResourceWarning',
      'Target',
      'TimerMessage',
      'TopicMessage',
    ],
  ],
  ['ringfence/agent/process', ['Grant', 'RestartType']],
  ['ringfence/agent/tools', ['Tool']],
  ['ringfence/agent/capabilities', ['Decision']],
];

/**
 * The modules of the SDK that a world has the bindings for, by path; the runtime that all bindings have is
 * there.
 *
 * @param paths - The modules of the world's bindings.
 */
export function sdkModules(paths: ReadonlySet<string>): ReadonlyMap<string, string> {
  const modules = MODULES.filter(({ needs }) => needs.every((path) => paths.has(path)));
  const types = TYPES_OFFERED.filter(([path]) => path === VALUES_MODULE || paths.has(path));
  const clauses = [
    ...types.map(([path, names]) => clause(names, path)),
    ...modules
      .filter(({ offers }) => offers.length > 0)
      .map(({ name, offers }) => clause(offers, `${SDK_MODULE}/${name}`)),
  ];
  const index = `/** The SDK of ringfence, as far as the world has what it needs. */\n\n${clauses.join('\n')}\n`;
  return new Map([
    [SDK_MODULE, index],
    ...modules.map(({ name }) => [`${SDK_MODULE}/${name}`, source(name)] as const),
  ]);
}

/**
 * The interface that a world has to import for what the SDK offers under a name, `ringfence:agent/tools`; null:
 * every world gets it, or nobody.
 */
export function interfaceFor(name: string): string | null {
  const offering = MODULES.find(({ offers }) => offers.includes(name));
  const types = TYPES_OFFERED.find(([, names]) =>
    names.some((each) => each.split(' ').at(-1) === name),
  );
  const path = offering?.needs[0] ?? types?.[0] ?? null;
  return path === null || path === VALUES_MODULE ? null : path.replace('/', ':');
}

const clause = (names: readonly string[], path: string) =>
  `export { ${names.join(', ')} } from '${path}';`;

const source = (name: string) => readFileSync(new URL(`sdk/${name}.as`, import.meta.url), 'utf8');
