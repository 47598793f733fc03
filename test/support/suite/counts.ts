/** What is counted while the official suite runs. */

import type { InvalidVerdict, PreparedScript, Step } from './prepare.ts';

export interface Counts {
  scripts: number;
  /** Modules that were run plain and metered, or only defined. */
  modulesRun: number;
  /** Modules that the metering refuses by name, by the feature. */
  refused: Record<string, number>;
  /** Modules that import from one that isn't run. */
  modulesBehindUnavailable: number;
  modulesNotRunByEngine: number;
  modulesNotAssembled: number;
  /** Assertions and actions whose outcomes were compared in all worlds. */
  assertionsCompared: number;
  actionsCompared: number;
  /** Assertions and actions that need a module that isn't run. */
  assertionsSkipped: number;
  commandsUnknown: number;
  /** Modules that the suite says are invalid or malformed. */
  invalid: Record<Exclude<InvalidVerdict['kind'], 'fault'>, number>;
  /** Assertions that the plain run fulfils; the others say something of the engine or of this runner. */
  plainAsTheScriptSays: number;
  /** Outcomes of the same kind in other words of the engine. */
  otherMessages: number;
  /** Scripts in which the engine's own stack overflowed: their fuel isn't compared from there on. */
  scriptsOverflowed: number;
  /** Fuel used by the run with plenty. */
  fuel: bigint;
  differences: number;
}

export function noCounts(): Counts {
  return {
    scripts: 0,
    modulesRun: 0,
    refused: {},
    modulesBehindUnavailable: 0,
    modulesNotRunByEngine: 0,
    modulesNotAssembled: 0,
    assertionsCompared: 0,
    actionsCompared: 0,
    assertionsSkipped: 0,
    commandsUnknown: 0,
    invalid: {
      badText: 0,
      refusedByBoth: 0,
      refusedByEngine: 0,
      validWhenMetered: 0,
      acceptedByEngine: 0,
    },
    plainAsTheScriptSays: 0,
    otherMessages: 0,
    scriptsOverflowed: 0,
    fuel: 0n,
    differences: 0,
  };
}

function countModule(counts: Counts, { verdict, skip }: Step): void {
  if (verdict?.kind === 'refused') {
    counts.refused[verdict.feature] = (counts.refused[verdict.feature] ?? 0) + 1;
  }
  if (verdict?.kind === 'notRunByEngine') counts.modulesNotRunByEngine++;
  if (verdict?.kind === 'notAssembled') counts.modulesNotAssembled++;
  if (verdict?.kind !== 'runnable') return;
  if (skip === null) counts.modulesRun++;
  else counts.modulesBehindUnavailable++;
}

function countStep(counts: Counts, step: Step): void {
  const { command, invalid, skip } = step;
  if (step.verdict !== null) countModule(counts, step);
  if (invalid !== null && invalid.kind !== 'fault') counts.invalid[invalid.kind]++;
  if (skip === 'unknownCommand') counts.commandsUnknown++;
  const isAssertion = command.kind === 'assert' || command.kind === 'assertModule';
  if (isAssertion && skip === null) counts.assertionsCompared++;
  if (command.kind === 'action' && skip === null) counts.actionsCompared++;
  if ((isAssertion || command.kind === 'action') && skip !== null) counts.assertionsSkipped++;
}

/** Counts what is known of a script before it is run. */
export function countScript(counts: Counts, { steps }: PreparedScript): void {
  counts.scripts++;
  for (const step of steps) countStep(counts, step);
}

function addRecord(into: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(more)) into[name] = (into[name] ?? 0) + count;
}

/** Adds one directory's counts to a sum. */
export function addCounts(into: Counts, more: Counts): void {
  const { refused, invalid, fuel, ...numbers } = more;
  addRecord(into.refused, refused);
  addRecord(into.invalid, invalid);
  into.fuel += fuel;
  addRecord(into as unknown as Record<string, number>, numbers);
}
