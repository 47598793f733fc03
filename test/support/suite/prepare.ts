/** Makes a test script ready to be run in several worlds: everything assembled, metered and compiled once. */

import { RingfenceError } from '../../../src/errors.ts';
import type { MeteredModule, References } from '../../../src/wasm/metering/meter.ts';
import { type Adapters, addAdapters, type ExportType } from './adapters.ts';
import { assemble, assembleRight } from './assemble.ts';
import { type Command, type Expected, type ModuleSource, readCommands } from './commands.ts';
import { type Constants, readConstants } from './constants.ts';

/** What of {@link MeteredModule} running needs. */
export type Metered = Pick<MeteredModule, 'bytes' | 'injected' | 'startExport'> & {
  readonly references?: References;
};

/** The metering, or what a test puts in its place. */
export type Meter = (
  bytes: Uint8Array<ArrayBuffer>,
  options: { readonly references?: 'unthreaded' },
) => Metered;

/** A module that the engine accepts and the metering too. */
export interface RunnableModule {
  readonly plain: WebAssembly.Module;
  readonly metered: WebAssembly.Module;
  readonly injection: Pick<Metered, 'injected' | 'startExport'>;
  readonly exports: ReadonlyMap<string, ExportType>;
}

/** What becomes of a module of a script that should be valid. */
export type Verdict =
  | { readonly kind: 'runnable'; readonly module: RunnableModule }
  /** The metering refuses it by name. */
  | { readonly kind: 'refused'; readonly feature: string }
  /** The engine doesn't accept it: a proposal that it doesn't have. */
  | { readonly kind: 'notRunByEngine' }
  /** No assembler at hand knows its text. */
  | { readonly kind: 'notAssembled' }
  /** The metering failed with it. */
  | { readonly kind: 'fault'; readonly problem: string };

/** What becomes of a module that should be invalid. */
export type InvalidVerdict =
  | { readonly kind: 'fault'; readonly problem: string }
  | {
      readonly kind: /** It is no module in bytes: its text is wrong already. */
        | 'badText'
        /** The engine and the metering refuse it. */
        | 'refusedByBoth'
        /** The metering, which needs no valid module, accepts it; the engine refuses it before and after. */
        | 'refusedByEngine'
        /** The metering left out what was wrong with it. The engine is asked before metering. */
        | 'validWhenMetered'
        /** The engine doesn't see what is wrong with it. */
        | 'acceptedByEngine';
    };

/** Why a step isn't run in any world. */
export type Skip = 'unavailable' | 'behindUnavailable' | 'unknownCommand';

/** A command with what it needs. */
export interface Step {
  readonly command: Command;
  /** Of commands that make an instance. */
  readonly verdict: Verdict | null;
  /** Of assertions that a module is invalid. */
  readonly invalid: InvalidVerdict | null;
  readonly skip: Skip | null;
}

export interface PreparedScript {
  readonly steps: readonly Step[];
  readonly constants: Constants;
  readonly adapters: Adapters;
}

function meterOrError(meter: Meter, bytes: Uint8Array<ArrayBuffer>): Metered | Error {
  try {
    return meter(bytes, {});
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Without the opcode or type that stands behind it in parentheses. */
function featureOf({ fields }: RingfenceError): string {
  return String(fields.feature).replace(/ \(.*\)$/, '');
}

function crash(error: Error): { kind: 'fault'; problem: string } {
  return { kind: 'fault', problem: `the metering threw ${error.stack ?? error.message}` };
}

function accepted(bytes: Uint8Array<ArrayBuffer>, metered: Metered): Verdict {
  const { injected, startExport } = metered;
  try {
    const plain = new WebAssembly.Module(bytes);
    const types = WebAssembly.Module.exports(plain) as readonly ExportType[];
    const module = {
      plain,
      metered: new WebAssembly.Module(metered.bytes),
      injection: { injected, startExport },
      exports: new Map(types.map((type) => [type.name, type])),
    };
    return { kind: 'runnable', module };
  } catch (error) {
    return {
      kind: 'fault',
      problem: `the metered module isn't valid: ${(error as Error).message}`,
    };
  }
}

async function judge(source: ModuleSource, meter: Meter): Promise<Verdict> {
  const bytes = await assembleRight(source);
  if (bytes === null) return { kind: 'notAssembled' };
  const metered = meterOrError(meter, bytes);
  if (metered instanceof Error && !(metered instanceof RingfenceError)) return crash(metered);
  if (!WebAssembly.validate(bytes)) return { kind: 'notRunByEngine' };
  if (!(metered instanceof Error)) return accepted(bytes, metered);
  if (metered.code === 'RF_MODULE_REFUSED') {
    return { kind: 'refused', feature: featureOf(metered) };
  }
  return { kind: 'fault', problem: `a valid module isn't read: ${metered.message}` };
}

async function judgeInvalid(source: ModuleSource, meter: Meter): Promise<InvalidVerdict> {
  const bytes = await assemble(source);
  if (bytes === null) return { kind: 'badText' };
  const metered = meterOrError(meter, bytes);
  if (metered instanceof Error && !(metered instanceof RingfenceError)) return crash(metered);
  if (WebAssembly.validate(bytes)) return { kind: 'acceptedByEngine' };
  if (metered instanceof Error) return { kind: 'refusedByBoth' };
  const valid = WebAssembly.validate(metered.bytes);
  return { kind: valid ? 'validWhenMetered' : 'refusedByEngine' };
}

/** Follows which instances there are, so that nothing is run behind one that there isn't. */
class Availability {
  readonly #modules = new Map<string | null, Verdict>();
  readonly #instances = new Map<string | null, boolean>();
  readonly #registered = new Map<string, boolean>();

  skipOf(command: Command, verdict: Verdict | null): Skip | null {
    switch (command.kind) {
      case 'module': {
        this.#define(command.id, verdict!);
        return command.definition
          ? this.#skipModule(verdict!, false)
          : this.#instantiate(command.id, verdict!);
      }
      case 'instance': {
        const defined = this.#modules.get(command.of);
        return defined ? this.#instantiate(command.id, defined) : 'unavailable';
      }
      case 'assertModule':
        return this.#skipModule(verdict!, true);
      case 'register':
        this.#registered.set(command.name, this.#isThere(command.id));
        return this.#isThere(command.id) ? null : 'behindUnavailable';
      case 'action':
      case 'assert':
        return this.#isThere(command.action.module) ? null : 'behindUnavailable';
      case 'unknown':
        return 'unknownCommand';
      default:
        return null;
    }
  }

  #define(id: string | null, verdict: Verdict): void {
    this.#modules.set(null, verdict);
    this.#modules.set(id, verdict);
  }

  #instantiate(id: string | null, verdict: Verdict): Skip | null {
    const skip = this.#skipModule(verdict, true);
    this.#instances.set(null, skip === null);
    this.#instances.set(id, skip === null);
    return skip;
  }

  #skipModule(verdict: Verdict, linked: boolean): Skip | null {
    if (verdict.kind !== 'runnable') return 'unavailable';
    const imports = linked ? WebAssembly.Module.imports(verdict.module.plain) : [];
    const missing = imports.some(({ module }) => this.#registered.get(module) === false);
    return missing ? 'behindUnavailable' : null;
  }

  #isThere(id: string | null): boolean {
    return this.#instances.get(id) ?? false;
  }
}

function* constantsIn(expected: Expected): Generator<string> {
  if (expected.kind === 'constant') yield expected.text;
  if (expected.kind === 'lanes') for (const lane of expected.lanes) yield* constantsIn(lane);
  if (expected.kind === 'either') for (const one of expected.choices) yield* constantsIn(one);
}

function* constantsOf(commands: readonly Command[]): Generator<string> {
  for (const command of commands) {
    if (command.kind !== 'assert' && command.kind !== 'action') continue;
    for (const value of command.action.values) yield* constantsIn(value);
    if (command.kind !== 'assert') continue;
    for (const expected of command.expected) yield* constantsIn(expected);
  }
}

async function verdictOf(command: Command, meter: Meter): Promise<Verdict | null> {
  if (command.kind !== 'module' && command.kind !== 'assertModule') return null;
  return judge(command.source, meter);
}

/** Reads a script and prepares its modules, which may share tables: all of one kind of functions. */
export async function prepareScript(script: string, meter: Meter): Promise<PreparedScript> {
  const kinds = new Set<References | undefined>();
  const prepared = await prepareWith(script, (bytes, options) => {
    const metered = meter(bytes, options);
    kinds.add(metered.references);
    return metered;
  });
  if (kinds.size <= 1) return prepared;
  return prepareWith(script, (bytes) => meter(bytes, { references: 'unthreaded' }));
}

async function prepareWith(script: string, meter: Meter): Promise<PreparedScript> {
  const commands = readCommands(script);
  const availability = new Availability();
  const adapters = new Map<string, WebAssembly.Module | null>();
  const steps: Step[] = [];
  for (const command of commands) {
    const verdict = await verdictOf(command, meter);
    const invalid =
      command.kind === 'assertInvalid' ? await judgeInvalid(command.source, meter) : null;
    steps.push({ command, verdict, invalid, skip: availability.skipOf(command, verdict) });
    if (verdict?.kind === 'runnable') {
      await addAdapters(adapters, [...verdict.module.exports.values()]);
    }
  }
  return { steps, constants: await readConstants(constantsOf(commands)), adapters };
}
