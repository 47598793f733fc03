/** Every metric: its name, its help, and where it is read. No metric has a label that a guest can write. */

import type { DeadLetterCounts } from '../ipc/dead-letters.ts';
import type { ExitReason } from '../process/exit.ts';
import type { ProcessState } from '../process/state.ts';
import type { Tally } from './tally.ts';

/** How often a tool was called. */
export interface ToolCounts {
  readonly name: string;
  readonly calls: number;
  readonly failures: number;
}

/** Tools that are told apart: the program registers them, and each is two series. */
const TOOLS_MAX = 256;

const ofTools = (tools: readonly ToolCounts[], read: (tool: ToolCounts) => number) =>
  tools.slice(0, TOOLS_MAX).map((tool) => [tool.name, read(tool)] as const);

/** Of the modules that handle HTTP requests: `kernel.serve`. */
export interface ServedCounts {
  /** By the class of the status; `none`: there was no response. */
  readonly requests: ReadonlyMap<string, number>;
  /** Requests that are being handled. */
  readonly active: number;
  /** Instances that are kept and have nothing to do. */
  readonly idle: number;
}

/** What is read at one moment. */
export interface Sample {
  readonly tally: Tally;
  readonly spawned: number;
  /** How many agents are in each state. */
  readonly states: Readonly<Record<ProcessState, number>>;
  readonly mailboxMessages: number;
  /** Of all memories and tables of agents that have not exited, now. */
  readonly memoryBytes: number;
  readonly descriptors: number;
  readonly capacity: number;
  readonly modules: number;
  readonly elevationsWaiting: number;
  readonly deadLetters: { readonly size: number; readonly counts: DeadLetterCounts };
  /** Of the tools that are offered. */
  readonly tools: readonly ToolCounts[];
  readonly served: ServedCounts;
  readonly jobs: number;
  /** Of all jobs that there were. */
  readonly jobRuns: { readonly runs: number; readonly failures: number; readonly missed: number };
}

/** A value, or one for each value of the label. */
export type Reading = number | Iterable<readonly [label: string, value: number]>;

/** One metric. */
export interface Definition {
  readonly kind: 'counter' | 'gauge';
  readonly name: string;
  readonly help: string;
  readonly label: string | null;
  read(sample: Sample): Reading;
}

type Read = (sample: Sample) => Reading;

const counter = (name: string, help: string, read: Read, label: string | null = null) =>
  ({ kind: 'counter', name, help, label, read }) satisfies Definition;

const gauge = (name: string, help: string, read: Read, label: string | null = null) =>
  ({ kind: 'gauge', name, help, label, read }) satisfies Definition;

/** The others are what the reference calls a crash: errors, traps, limits, workers that died. */
const NO_CRASH: ReadonlySet<ExitReason> = new Set(['normal', 'killed', 'timeout', 'refused']);

function crashes({ exits }: Tally): number {
  let sum = 0;
  for (const [reason, count] of exits) {
    sum += NO_CRASH.has(reason) ? 0 : count;
  }
  return sum;
}

const LIVE = ['starting', 'running', 'suspended', 'stopping'] as const;

/** All metrics, in the order of the text. */
export const DEFINITIONS: readonly Definition[] = [
  counter('ringfence_agent_spawns_total', 'Agents that were spawned.', ({ spawned }) => spawned),
  counter(
    'ringfence_agent_exits_total',
    'Agents that have exited, by reason.',
    ({ tally }) => tally.exits,
    'reason',
  ),
  counter(
    'ringfence_agent_crashes_total',
    'Agents that ended neither normally nor by being stopped or by their timeout.',
    ({ tally }) => crashes(tally),
  ),
  counter(
    'ringfence_agent_restarts_total',
    'Agents that a supervisor has started again.',
    ({ tally }) => tally.restarts,
  ),
  counter(
    'ringfence_messages_sent_total',
    'Sends that passed the gate.',
    ({ tally }) => tally.messagesSent,
  ),
  counter(
    'ringfence_tool_executions_total',
    'Calls of tools that passed the gate.',
    ({ tally }) => tally.toolCalls,
  ),
  counter(
    'ringfence_tool_calls_total',
    'Calls of tools that are offered now, by tool.',
    ({ tools }) => ofTools(tools, ({ calls }) => calls),
    'tool',
  ),
  counter(
    'ringfence_tool_failures_total',
    'Of these, calls that were refused or failed, by tool.',
    ({ tools }) => ofTools(tools, ({ failures }) => failures),
    'tool',
  ),
  counter(
    'ringfence_denials_total',
    'Calls that were denied, by the capability that was missing.',
    ({ tally }) => tally.denials,
    'capability',
  ),
  counter(
    'ringfence_network_requests_total',
    'HTTP requests that agents have sent, those that were refused included.',
    ({ tally }) => tally.networkRequests,
  ),
  counter(
    'ringfence_network_sent_bytes_total',
    'Bytes of bodies and of sockets that agents have sent.',
    ({ tally }) => tally.networkBytesOut,
  ),
  counter(
    'ringfence_network_received_bytes_total',
    'Bytes of bodies and of sockets that agents have received.',
    ({ tally }) => tally.networkBytesIn,
  ),
  counter(
    'ringfence_served_requests_total',
    'Requests that were served and are over, by the class of their status.',
    ({ served }) => served.requests,
    'status',
  ),
  gauge(
    'ringfence_served_requests_active',
    'Requests that are being served.',
    ({ served }) => served.active,
  ),
  gauge(
    'ringfence_served_instances_idle',
    'Instances that wait for a request.',
    ({ served }) => served.idle,
  ),
  counter('ringfence_fuel_units_total', 'Fuel that was used.', ({ tally }) => tally.fuel),
  counter(
    'ringfence_cpu_seconds_total',
    "CPU time of agents' slices.",
    ({ tally }) => tally.cpuTimeMs / 1000,
  ),
  counter(
    'ringfence_slices_total',
    'Slices of computing that were used up.',
    ({ tally }) => tally.slices,
  ),
  gauge(
    'ringfence_agents',
    'Agents that have not exited, by state.',
    ({ states }) => LIVE.map((state) => [state, states[state]] as const),
    'state',
  ),
  gauge('ringfence_agents_capacity', 'Agents that may live at a time.', ({ capacity }) => capacity),
  gauge(
    'ringfence_mailbox_messages',
    'Messages in all mailboxes.',
    ({ mailboxMessages }) => mailboxMessages,
  ),
  gauge(
    'ringfence_memory_bytes',
    'Memories and tables of agents that have not exited.',
    ({ memoryBytes }) => memoryBytes,
  ),
  gauge(
    'ringfence_descriptors',
    'Directories that are mounted, and what is open in them.',
    ({ descriptors }) => descriptors,
  ),
  gauge('ringfence_modules', 'Modules that are loaded.', ({ modules }) => modules),
  gauge(
    'ringfence_elevations_waiting',
    'Requests for more that wait for an answer.',
    ({ elevationsWaiting }) => elevationsWaiting,
  ),
  gauge(
    'ringfence_dead_letters',
    'Messages that reached nobody and are kept.',
    ({ deadLetters }) => deadLetters.size,
  ),
  counter(
    'ringfence_dead_letters_total',
    'Messages that reached nobody, by reason.',
    ({ deadLetters }) => Object.entries(deadLetters.counts.came),
    'reason',
  ),
  counter(
    'ringfence_dead_letters_evicted_total',
    'Dead letters that had to go for newer ones.',
    ({ deadLetters }) => deadLetters.counts.evicted,
  ),
  counter(
    'ringfence_messages_lost_total',
    'Messages that were gone with the worker or process that kept them.',
    ({ deadLetters }) => deadLetters.counts.lost,
  ),
  gauge('ringfence_jobs', 'Jobs that are scheduled.', ({ jobs }) => jobs),
  counter('ringfence_job_runs_total', 'Runs of jobs.', ({ jobRuns }) => jobRuns.runs),
  counter(
    'ringfence_job_failures_total',
    'Runs of jobs that have failed.',
    ({ jobRuns }) => jobRuns.failures,
  ),
  counter(
    'ringfence_job_missed_runs_total',
    'Runs of jobs that were due and were not made.',
    ({ jobRuns }) => jobRuns.missed,
  ),
];
