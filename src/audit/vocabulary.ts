/**
 * The vocabulary of the audit chain: every kind of event, who says it, and what its payload holds.
 *
 * The kinds are the reference's where it has one. docs/audit.md has this table for readers.
 */

import { type Shape, shapeWriter, type ValuesOf } from './canonical.ts';

/** One row of the table. */
interface KindRow {
  /** The part that says it. */
  readonly source: string;
  readonly payload: Shape;
  /**
   * True: what it tells of must not happen without its record, so the record is on disk first
   * (`recorded`); `outside`: it is, where it lets somebody reach outside of the kernel; else it is written
   * within the bound that the durability setting gives.
   */
  readonly ahead: boolean | 'outside';
}

const row = <const Payload extends Shape>(source: string, payload: Payload) => ({
  source,
  payload,
  ahead: false as const,
});

const ahead = <const Payload extends Shape>(source: string, payload: Payload) => ({
  source,
  payload,
  ahead: true as const,
});

const aheadOutside = <const Payload extends Shape>(source: string, payload: Payload) => ({
  source,
  payload,
  ahead: 'outside' as const,
});

/** Every kind of event. A secret or a body never stands in one: its SHA-256 does. */
export const KINDS = {
  // The chain itself.
  'chain.genesis': row('chain', { checkpoint_events: 'integer', key: 'text?', software: 'text' }),
  'chain.open': row('chain', { software: 'text', unsigned: 'integer' }),
  'chain.close': row('chain', {}),
  'chain.clock_back': row('chain', { behind_ms: 'integer' }),
  'chain.lost': row('chain', { events: 'integer', reason: 'text' }),
  'chain.prune': row('chain', { before: 'integer' }),
  'chain.anchor': row('chain', { anchor: 'text', size: 'integer', problem: 'text?' }),
  'key.rotate': ahead('chain', { new_key: 'text', old_key: 'text', signature: 'text' }),
  'receipt.issue': row('chain', { first: 'integer', last: 'integer', receipt: 'digest' }),
  // The kernel and its administration.
  'kernel.open': row('kernel', {
    capacity: 'integer',
    catalogue: 'texts',
    owner_quotas: 'json',
    quotas: 'json',
    software: 'text',
  }),
  'kernel.close': row('kernel', {}),
  'module.load': row('kernel', { bytes: 'integer', cached: 'boolean' }),
  'module.refuse': row('kernel', { code: 'text', reason: 'text' }),
  'service.register': row('kernel', { service: 'text' }),
  'service.unregister': row('kernel', { service: 'text' }),
  'serve.open': row('kernel', {}),
  'serve.close': row('kernel', {}),
  'mcp.offer': row('kernel', { server: 'text', tools: 'integer' }),
  'mcp.close': row('kernel', { server: 'text' }),
  'cron.add': row('kernel', { job: 'text' }),
  'cron.remove': row('kernel', { job: 'text' }),
  'worker.lost': row('backend', { agents: 'integer', isolation: 'text' }),
  // What a policy says of modules.
  'policy.load': row('policy', { entries: 'integer', policy: 'digest' }),
  'policy.decide': row('policy', { line: 'integer?', policy: 'digest' }),
  'policy.refuse': row('policy', { code: 'text', policy: 'digest', reason: 'text' }),
  // Processes and their supervision.
  'agent.spawn': aheadOutside('supervisor', {
    backend: 'text',
    grants: 'json',
    isolation: 'text',
    limits: 'json',
    owner: 'text?',
    parent_pid: 'integer',
    restarted_from: 'integer?',
  }),
  'process.state': row('supervisor', { from: 'text', to: 'text' }),
  'agent.exit': row('supervisor', {
    code: 'integer?',
    denials: 'integer',
    fuel_table: 'text',
    message: 'text?',
    reason: 'text',
    usage: 'json',
  }),
  'agent.suspend': row('supervisor', {}),
  'agent.resume': row('supervisor', {}),
  'agent.restart': row('supervisor', {
    new_pid: 'integer',
    old_pid: 'integer',
    restarts: 'integer',
    strategy: 'text',
  }),
  'supervisor.start': row('supervisor', {
    children: 'integer',
    intensity: 'integer',
    period_ms: 'integer',
    strategy: 'text',
    supervisor: 'integer',
  }),
  'supervisor.restart': row('supervisor', {
    child: 'text',
    restarts: 'integer',
    supervisor: 'integer?',
    wait_ms: 'integer',
  }),
  'supervisor.give_up': row('supervisor', {
    child: 'text',
    intensity: 'integer',
    period_ms: 'integer',
    supervisor: 'integer?',
  }),
  'supervisor.stop': row('supervisor', {
    child: 'text?',
    reason: 'text',
    supervisor: 'integer',
  }),
  // Messages that reached nobody.
  'ipc.dead_letter': row('ipc', { count: 'integer', first_ms: 'integer', reason: 'text' }),
  'ipc.lost': row('ipc', { count: 'integer', first_ms: 'integer' }),
  // Capabilities.
  'capability.grant': aheadOutside('capability', { grant: 'json', id: 'integer' }),
  'capability.deny': row('capability', {
    capability: 'text',
    count: 'integer',
    first_ms: 'integer',
    operation: 'text',
  }),
  'capability.revoked': row('capability', { capability: 'text', ids: 'json' }),
  'capability.elevate': row('capability', {
    decision: 'text',
    grant: 'json',
    reason: 'text',
  }),
  'capability.answer': row('capability', {
    decision: 'text',
    grant: 'json',
    request: 'integer',
  }),
  // Tools.
  'tool.register': row('tool', { description: 'digest', tool: 'text' }),
  'tool.unregister': row('tool', { tool: 'text' }),
  'tool.call': ahead('tool', { arguments: 'digest', bytes: 'integer', tool: 'text' }),
  'tool.result': row('tool', {
    bytes: 'integer',
    outcome: 'text',
    result: 'digest?',
    tool: 'text',
  }),
  'tool.read': row('tool', { count: 'integer', first_ms: 'integer', tool: 'text?' }),
  'tool.refuse': row('tool', {
    count: 'integer',
    first_ms: 'integer',
    outcome: 'text',
    tool: 'text?',
  }),
  // What the embedding program records itself.
  'app.event': row('app', { data: 'json', name: 'text' }),
} as const satisfies Readonly<Record<string, KindRow>>;

/** The name of a kind of event. */
export type EventKind = keyof typeof KINDS;

/** Kinds whose record is on disk before what they tell of happens. */
export type AheadKind = {
  [Kind in EventKind]: (typeof KINDS)[Kind]['ahead'] extends true ? Kind : never;
}[EventKind];

/** What the payload of a kind holds. */
export type PayloadOf<Kind extends EventKind> = ValuesOf<(typeof KINDS)[Kind]['payload']>;

/** An event as the part says it that it happens in; the chain adds its place. */
export type AuditEvent<Kind extends EventKind = EventKind> = {
  readonly [One in Kind]: {
    readonly kind: One;
    readonly payload: PayloadOf<One>;
    /** Whom it is about; absent: the kernel (0). */
    readonly pid?: number;
    readonly agentId?: string | null;
    /** SHA-256 of the agent's module, in hexadecimal. */
    readonly module?: string | null;
    /** Milliseconds since 1970; absent: now. */
    readonly timeMs?: number;
  };
}[Kind];

interface KindPlan {
  readonly source: string;
  readonly write: (payload: object) => string;
}

/** How each kind is written; a map, as names may come from a caller without types. */
export const KIND_PLANS: ReadonlyMap<string, KindPlan> = new Map(
  Object.entries(KINDS).map(([kind, { source, payload }]) => [
    kind,
    { source, write: shapeWriter(kind, payload) },
  ]),
);
