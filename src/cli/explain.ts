/** Sentences for people: how a run ended, what was denied, and what to do about it. */

import type { Denial, Report } from '../index.ts';
import { printableLine } from './printable.ts';

/** Most characters of a guest's own message that are printed; the report has all of it. */
const MESSAGE_LENGTH_MAX = 2_000;

/** Most kinds of denials that are printed; the report has all of them. */
const DENIALS_MAX = 8;

/** The option by which each grant is given. */
const OPTION_OF_GRANT: ReadonlyMap<string, string> = new Map([
  ['ipc', '--allow-ipc'],
  ['network', '--allow-net'],
  ['tools', '--allow-tools'],
  ['spawn', '--allow-spawn'],
  ['files', '--dir'],
]);

/** The grant that a capability of the report comes from. */
const GRANT_OF_CAPABILITY: ReadonlyMap<string, string> = new Map([
  ['can_ipc', 'ipc'],
  ['can_network', 'network'],
  ['can_exec_tools', 'tools'],
  ['can_spawn', 'spawn'],
]);

/** The option that gives a grant, or null where the command line has none. */
export function optionThatGrants(grant: string): string | null {
  return OPTION_OF_GRANT.get(grant) ?? null;
}

const count = (value: number): string => value.toLocaleString('en-US');

/** A duration as people write it. */
function duration(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds} ms` : `${count(milliseconds / 1000)} s`;
}

function printableMessage(message: string | null, otherwise: string): string {
  const text = message ?? otherwise;
  return printableLine(
    text.length > MESSAGE_LENGTH_MAX ? `${text.slice(0, MESSAGE_LENGTH_MAX)}…` : text,
  );
}

/** How it ended, in one line; null where it ended normally. */
function explainEnd({ exit, limits, usage, ...report }: Report): string | null {
  const agent = printableLine(report.agent_id);
  const ours = (what: string) => `ringfence: ${exit.reason}: ${what}`;
  switch (exit.reason) {
    case 'normal':
      return null;
    // The guest's own failures stand under its own name.
    case 'error':
      return `${agent}: error: ${printableMessage(exit.message, `it ended with code ${exit.code}`)}`;
    case 'trap':
      return `${agent}: trap: ${printableMessage(exit.message, 'it trapped')}`;
    case 'fuel':
      return ours(`${agent} used up its ${count(limits.fuel)} units; raise --max-fuel`);
    case 'cpu_time':
      return ours(
        `${agent} used up its ${duration(limits.cpu_time_ms)} of CPU time; raise --max-cpu`,
      );
    case 'timeout':
      return ours(`${agent} had not ended after ${duration(limits.wall_time_ms)}; raise --timeout`);
    case 'killed': {
      const after = report.pid === null ? '' : ` after ${duration(usage.wall_time_ms)}`;
      return ours(`${agent}: ${printableMessage(exit.message, 'it was killed')}${after}`);
    }
    case 'worker_lost':
    case 'reaped':
      return ours(`${agent}: ${printableMessage(exit.message, 'it was lost')}; run it again`);
    case 'internal':
      return ours(printableMessage(exit.message, 'ringfence failed; run it again, and report it'));
    case 'refused':
      return ours(printableMessage(exit.message, 'the module can not be run'));
  }
}

function explainDenial({ capability, operation, count: times }: Denial): string {
  const option = optionThatGrants(GRANT_OF_CAPABILITY.get(capability) ?? capability);
  const often = times === 1 ? 'once' : `${count(times)} times`;
  const advice = option === null ? '' : `; ${option} grants it`;
  return `ringfence: denied ${printableLine(operation)} ${often}${advice}`;
}

/** What to print about a run: nothing where it ended normally. */
export function explain(report: Report): string[] {
  const end = explainEnd(report);
  return end === null ? [] : [end, ...report.denied.slice(0, DENIALS_MAX).map(explainDenial)];
}
