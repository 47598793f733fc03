/** What is supervised, as callers write it. */

import * as z from 'zod';
import { DEFAULT_BACK_OFF } from '../supervisor/back-off.ts';
import { AUTO_SHUTDOWNS, type AutoShutdown, type Rules } from '../supervisor/decisions.ts';
import { DEFAULT_INTENSITY, INTENSITY_MAX } from '../supervisor/intensity.ts';
import { REFERENCE_STRATEGIES, type ReferenceStrategy } from '../supervisor/reference.ts';
import type { Report } from '../supervisor/report.ts';
import { RESTART_TYPES, type RestartType } from '../supervisor/restart.ts';
import { CHILDREN_MAX } from '../supervisor/specification.ts';
import { STRATEGIES, type Strategy } from '../supervisor/strategy.ts';
import { TIMER_MS_MAX } from '../timer.ts';
import { usageError } from '../usage-error.ts';
import type { SpawnOptions } from './spawn-options.ts';
import type { WorkOptions } from './work-options.ts';

interface AnyChild {
  /** Its name in its supervisor: each has another. */
  readonly id: string;
  /**
   * When it is started again after it has ended by itself: `permanent` always, `transient` when it did
   * not end normally, `temporary` never. @default 'permanent'
   */
  readonly restart?: RestartType | undefined;
  /** Whether its end can end its supervisor: see `autoShutdown`. @default false */
  readonly significant?: boolean | undefined;
}

/**
 * An agent's specification: what each agent that runs under it is spawned with. Its directories are
 * opened once, and are those of every one of them; what is revoked of one is gone for the next.
 */
export interface AgentChild
  extends AnyChild,
    Omit<SpawnOptions, 'parent' | 'stdin' | 'terminal' | 'agentId'> {
  /** The name of its agents. @default its id */
  readonly agentId?: string | undefined;
  /** Each agent reads it from the beginning. @default empty */
  readonly stdin?: string | Uint8Array | undefined;
  /** How long it has to end when it is asked to, in milliseconds. @default 5,000 */
  readonly shutdownMs?: number | undefined;
}

/** The specification of an agent that is a function of the program: each time it is called anew. */
export interface WorkChild extends AnyChild, Omit<WorkOptions, 'parent' | 'agentId'> {
  /** The name of its agents. @default its id */
  readonly agentId?: string | undefined;
  /** How long it has to end when it is asked to, in milliseconds. @default 5,000 */
  readonly shutdownMs?: number | undefined;
}

/** A supervisor under a supervisor. */
export interface SupervisorChild extends AnyChild {
  readonly supervisor: SuperviseOptions;
  /** How long it has to end when it is asked to. @default as long as its children need */
  readonly shutdownMs?: number | undefined;
}

/** What a supervisor can have under it. */
export type ChildOptions = AgentChild | WorkChild | SupervisorChild;

/** A supervisor, and what it starts. */
export interface SuperviseOptions {
  /**
   * Which children are restarted when one is (docs/supervision.md). The reference's names are understood
   * too; children that say nothing else have the restart type that these stand for.
   * @default 'one_for_one'
   */
  readonly strategy?: Strategy | ReferenceStrategy | undefined;
  /** In the order in which they are started; the last is stopped first. */
  readonly children: readonly ChildOptions[];
  /** Restarts within `periodMs`; one more ends the supervisor. @default 5 */
  readonly intensity?: number | undefined;
  /** @default 60,000 */
  readonly periodMs?: number | undefined;
  /** How long a child waits before it is started again, each time twice as long. */
  readonly backoff?:
    | {
        /** @default 100 */
        readonly initialMs?: number | undefined;
        /** @default 30,000 */
        readonly maxMs?: number | undefined;
        /** A child that has run for so long waits as at the first time. @default 60,000 */
        readonly stableMs?: number | undefined;
      }
    | undefined;
  /**
   * Whether the supervisor ends when a significant child, or the last of them, has ended and is not
   * restarted. @default 'never'
   */
  readonly autoShutdown?: AutoShutdown | undefined;
  /** Told of each agent that has ended, with its report, before anything follows from it. */
  readonly onExit?: ((id: string, report: Report) => void) | undefined;
}

const milliseconds = z.number().int().nonnegative().max(TIMER_MS_MAX);

const anyChild = {
  id: z.string().min(1).max(256),
  restart: z.enum(RESTART_TYPES).optional(),
  significant: z.boolean().optional(),
  shutdownMs: milliseconds.optional(),
};

/** What is no part of these is read as a spawn is. */
const agentSchema = z.looseObject({
  ...anyChild,
  supervisor: z.undefined().optional(),
  // Who is supervised belongs to its supervisor; a stream could be read by its first agent only.
  parent: z.undefined({ error: 'agents under a supervisor have no other parent' }).optional(),
  terminal: z.undefined({ error: 'agents under a supervisor have no terminal' }).optional(),
  stdin: z
    .union([z.string(), z.instanceof(Uint8Array)], {
      error: 'give bytes or a text: each agent reads it from the beginning',
    })
    .optional(),
});

const supervisorSchema = z.strictObject({
  ...anyChild,
  supervisor: z.custom<SuperviseOptions>((value) => typeof value === 'object' && value !== null),
});

const superviseSchema = z.strictObject({
  strategy: z
    .enum([...STRATEGIES, ...(Object.keys(REFERENCE_STRATEGIES) as ReferenceStrategy[])])
    .optional(),
  children: z.array(z.unknown()).max(CHILDREN_MAX),
  intensity: z.number().int().nonnegative().max(INTENSITY_MAX).optional(),
  periodMs: milliseconds.min(1).optional(),
  backoff: z
    .strictObject({
      initialMs: milliseconds.optional(),
      maxMs: milliseconds.optional(),
      stableMs: milliseconds.optional(),
    })
    .optional(),
  autoShutdown: z.enum(AUTO_SHUTDOWNS).optional(),
  onExit: z
    .custom<NonNullable<SuperviseOptions['onExit']>>((value) => typeof value === 'function')
    .optional(),
});

/** A supervisor's options, read; its children are not yet. */
export interface ReadSupervisor {
  readonly rules: Rules;
  /** Of children that say nothing else. */
  readonly restart: RestartType;
  readonly onExit: SuperviseOptions['onExit'];
}

function namesOf(strategy: Strategy | ReferenceStrategy): {
  readonly strategy: Strategy;
  readonly restart: RestartType;
} {
  return strategy in REFERENCE_STRATEGIES
    ? REFERENCE_STRATEGIES[strategy as ReferenceStrategy]
    : { strategy: strategy as Strategy, restart: 'permanent' };
}

/** Reads what a supervisor goes by. @throws {RingfenceError} `RF_USAGE` */
export function readSupervisor(options: SuperviseOptions): ReadSupervisor {
  const parsed = superviseSchema.safeParse(options);
  if (!parsed.success) {
    throw usageError('supervise', parsed.error);
  }
  const given = parsed.data;
  const { strategy, restart } = namesOf(given.strategy ?? 'one_for_one');
  return {
    restart,
    onExit: given.onExit,
    rules: {
      strategy,
      intensity: given.intensity ?? DEFAULT_INTENSITY.intensity,
      periodMs: given.periodMs ?? DEFAULT_INTENSITY.periodMs,
      backOff: {
        initialMs: given.backoff?.initialMs ?? DEFAULT_BACK_OFF.initialMs,
        maxMs: given.backoff?.maxMs ?? DEFAULT_BACK_OFF.maxMs,
        stableMs: given.backoff?.stableMs ?? DEFAULT_BACK_OFF.stableMs,
      },
      autoShutdown: given.autoShutdown ?? 'never',
    },
  };
}

/** A child's options, read as far as they are not those of a spawn. */
export type ReadChildOptions =
  | { readonly kind: 'agent'; readonly child: AgentChild | WorkChild }
  | { readonly kind: 'supervisor'; readonly child: SupervisorChild };

/** Reads a child. @throws {RingfenceError} `RF_USAGE` */
export function readChildOptions(given: unknown): ReadChildOptions {
  const isSupervisor =
    typeof given === 'object' &&
    given !== null &&
    'supervisor' in given &&
    given.supervisor !== undefined;
  const parsed = (isSupervisor ? supervisorSchema : agentSchema).safeParse(given);
  if (!parsed.success) {
    throw usageError('supervise a child', parsed.error);
  }
  return isSupervisor
    ? { kind: 'supervisor', child: given as SupervisorChild }
    : { kind: 'agent', child: given as AgentChild | WorkChild };
}
