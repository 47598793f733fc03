/** Runs one script of the official suite plain and metered, and compares everything that it could see. */

import { setFlagsFromString } from 'node:v8';
import { TestHost } from '../metering/meter-run.ts';
import { wat } from '../metering/wat.ts';
import type { Command } from './commands.ts';
import { type Counts, countScript } from './counts.ts';
import { type Meter, type PreparedScript, prepareScript, type Step } from './prepare.ts';
import { compileSpectest } from './spectest.ts';
import { isOpen, matches } from './values.ts';
import { type HostModules, KINDS_TEXT, type Outcome, World } from './world.ts';

/** Something that isn't as it should be. */
export interface Finding {
  readonly line: number;
  readonly problem: string;
}

export interface ScriptReport {
  /** The metered runs aren't the plain one, or use other fuel, or the metering failed. */
  readonly differences: readonly Finding[];
  /** The plain run isn't what the script says. */
  readonly plain: readonly Finding[];
}

const PLENTY = 1n << 40n;
/** Whether growing succeeds is left to the engine, as in the plain run. */
const GROW_BYTES = 1n << 60n;

/** Metered worlds; the first is what the others' fuel is compared with. */
const METERED: readonly { readonly name: string; readonly host: () => TestHost }[] = [
  { name: 'plenty of fuel', host: () => plenty() },
  { name: 'plenty of fuel again', host: () => plenty() },
  { name: 'slices of 7', host: () => sliced(7n) },
  { name: 'slices of 1,000', host: () => sliced(1_000n) },
];

function plenty(): TestHost {
  return new TestHost({ budget: PLENTY, slice: null, growBytes: GROW_BYTES });
}

function sliced(slice: bigint): TestHost {
  return new TestHost({ budget: 0n, slice, growBytes: GROW_BYTES });
}

/** Of what V8 tells of a module's exports, their types aren't on by default. */
const TYPES_OF_EXPORTS = '--experimental-wasm-type-reflection';

/** The modules that all scripts' worlds share. In this process the engine tells exports' types from now on. */
export async function compileHostModules(): Promise<HostModules> {
  setFlagsFromString(TYPES_OF_EXPORTS);
  const kinds = new WebAssembly.Module(await wat(KINDS_TEXT));
  return { spectest: await compileSpectest(), kinds };
}

interface Run {
  readonly name: string;
  readonly outcomes: readonly (Outcome | null)[];
  readonly state: readonly string[];
}

function runIn(
  name: string,
  script: PreparedScript,
  modules: HostModules,
  host: TestHost | null,
): Run {
  const world = new World(script, modules, host);
  const outcomes = script.steps.map((step) => (step.skip === null ? world.run(step) : null));
  return { name, outcomes, state: world.state() };
}

function show({ ended, values, message, printed }: Outcome): string {
  return `${ended} [${values.join(', ')}] ${message} ${printed.join('; ')}`.trim();
}

/** Whether the outcome is what the script says of it. */
function isAsSaid(command: Command, outcome: Outcome, { constants }: PreparedScript): boolean {
  if (command.kind === 'assertModule') return outcome.ended === command.ending;
  if (command.kind !== 'assert') return outcome.ended === 'return';
  if (outcome.ended !== command.ending) return false;
  if (command.ending !== 'return') return true;
  return (
    outcome.values.length === command.expected.length &&
    outcome.values.every((value, place) => matches(command.expected[place]!, value, constants))
  );
}

function isSame(command: Command, one: Outcome, other: Outcome, script: PreparedScript): boolean {
  const expected = command.kind === 'assert' ? command.expected : [];
  const sameValues =
    one.values.length === other.values.length &&
    one.values.every((value, place) => {
      if (value === other.values[place]) return true;
      const wanted = expected[place];
      const open = wanted && isOpen(wanted);
      return open && matches(wanted, other.values[place]!, script.constants);
    });
  return (
    sameValues && one.ended === other.ended && one.printed.join('\n') === other.printed.join('\n')
  );
}

/** Compares the runs of a script. */
class Comparison {
  readonly differences: Finding[] = [];
  readonly plain: Finding[] = [];
  readonly #script: PreparedScript;
  readonly #counts: Counts;
  #overflowed = false;
  #exhausted = false;

  constructor(script: PreparedScript, counts: Counts) {
    this.#script = script;
    this.#counts = counts;
  }

  compare(plain: Run, metered: readonly Run[]): void {
    for (const [place, step] of this.#script.steps.entries()) {
      const outcome = plain.outcomes[place];
      this.#compareValidity(step);
      if (!outcome) continue;
      const others = metered.map((run) => run.outcomes[place]!);
      this.#comparePlain(step, outcome);
      this.#exhausted ||= [outcome, ...others].some(({ ended }) => ended === 'exhaustion');
      this.#overflowed ||= others.some(({ overflowed }) => overflowed);
      for (const [which, other] of others.entries()) {
        this.#compareOutcome(step, outcome, other, metered[which]!.name);
        this.#compareFuel(step, others[0]!, other, metered[which]!.name);
      }
    }
    if (this.#overflowed) this.#counts.scriptsOverflowed++;
    this.#counts.fuel += metered[0]?.outcomes.findLast((outcome) => outcome)?.fuel ?? 0n;
    for (const run of metered) this.#compareState(plain, run);
  }

  #compareValidity({ command, invalid }: Step): void {
    if (command.kind !== 'assertInvalid' || command.custom) return;
    if (invalid?.kind !== 'acceptedByEngine') return;
    this.plain.push({ line: command.line, problem: 'the engine accepts a module that is wrong' });
  }

  #comparePlain({ command }: Step, outcome: Outcome): void {
    const asSaid = isAsSaid(command, outcome, this.#script);
    const isAssertion = command.kind === 'assert' || command.kind === 'assertModule';
    if (asSaid) this.#counts.plainAsTheScriptSays += Number(isAssertion);
    else this.plain.push({ line: command.line, problem: `${command.kind}: ${show(outcome)}` });
  }

  #compareOutcome({ command }: Step, plain: Outcome, other: Outcome, name: string): void {
    if (!isSame(command, plain, other, this.#script)) {
      const problem = `${name}: ${show(other)}; plain: ${show(plain)}`;
      this.differences.push({ line: command.line, problem });
    } else if (plain.message !== other.message && plain.ended !== 'exhaustion') {
      this.#counts.otherMessages++;
    }
  }

  #compareFuel({ command }: Step, first: Outcome, other: Outcome, name: string): void {
    if (this.#overflowed || first.fuel === other.fuel) return;
    const problem = `${name}: ${other.fuel} units so far, and ${first.fuel} with plenty`;
    this.differences.push({ line: command.line, problem });
  }

  /** How far a recursion comes that ends with the stack isn't the same plain and metered. */
  #compareState(plain: Run, run: Run): void {
    if (this.#exhausted || plain.state.join('\n') === run.state.join('\n')) return;
    const problem = `${run.name}: memories or globals at the end aren't those of the plain run`;
    this.differences.push({ line: this.#script.steps.at(-1)!.command.line, problem });
  }
}

function faults({ steps }: PreparedScript): Finding[] {
  return steps.flatMap(({ command: { line }, verdict, invalid }) =>
    [verdict, invalid].flatMap((each) =>
      each?.kind === 'fault' ? [{ line, problem: each.problem }] : [],
    ),
  );
}

/** Runs a script in all worlds; adds to `counts`. */
export async function runScript(
  text: string,
  modules: HostModules,
  counts: Counts,
  meter: Meter,
): Promise<ScriptReport> {
  const script = await prepareScript(text, meter);
  countScript(counts, script);
  const plain = runIn('plain', script, modules, null);
  const metered = METERED.map(({ name, host }) => runIn(name, script, modules, host()));
  const comparison = new Comparison(script, counts);
  comparison.compare(plain, metered);
  const differences = [...faults(script), ...comparison.differences];
  counts.differences += differences.length;
  return { differences, plain: comparison.plain };
}
