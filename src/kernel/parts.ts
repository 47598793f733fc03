/** The composition root: builds the parts of a kernel and joins them. */

import { availableParallelism } from 'node:os';
import type { CallOutcome } from '../backend/backend.ts';
import { NativeBackend } from '../backend/native.ts';
import { WasmBackend } from '../backend/wasm.ts';
import { WriteAheadBackend } from '../backend/write-ahead.ts';
import { type ElevationOutcome, Elevations } from '../capability/elevation.ts';
import { readGrants } from '../capability/input.ts';
import { specOfWords, type WordedGrant } from '../capability/words.ts';
import { RingfenceError } from '../errors.ts';
import { DeadLetters } from '../ipc/dead-letters.ts';
import { Pipes } from '../ipc/pipes.ts';
import type { KvStore } from '../kv/store.ts';
import { DEFINITIONS } from '../metrics/definitions.ts';
import type { TracedCall } from '../opentelemetry/telemetry.ts';
import { KERNEL_PID, type Pid } from '../process/state.ts';
import type { SavedJob } from '../schedule/file.ts';
import { ScoreBook } from '../scores/book.ts';
import type { Report } from '../supervisor/report.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import { catalogueTools } from '../tools/catalogue/catalogue.ts';
import type { ToolOutcome } from '../tools/outcome.ts';
import { ToolRegistry } from '../tools/registry.ts';
import { defaultCacheDirectory } from '../wasm/component/prepare/prepare.ts';
import { agentOf } from './agent.ts';
import { ProgramHttp } from './agent-http.ts';
import { agentReach } from './agent-reach.ts';
import { apartPaths } from './apart.ts';
import type { KernelAudit } from './audit.ts';
import { Children } from './children.ts';
import { outcomeForGuest } from './for-guests.ts';
import { GrantedTools } from './granted-tools.ts';
import { KernelHealth } from './health.ts';
import { HttpServices } from './http-services.ts';
import { LogTaps } from './log-taps.ts';
import { McpServers } from './mcp-servers.ts';
import { KernelMetrics } from './metrics.ts';
import { Modules } from './modules.ts';
import { networkSettings } from './network-options.ts';
import { type Operator, operatorOf } from './operator.ts';
import { ReliableSends } from './reliable.ts';
import { roomOfProcess } from './room.ts';
import { KernelSchedule, SYSTEM_CLOCK } from './schedule.ts';
import { CAPACITY_DEFAULT, type KernelOptions } from './spawn-options.ts';
import { Spawner } from './spawner.ts';
import { Supervisors } from './supervisors.ts';
import { TelemetryFeed } from './telemetry-feed.ts';
import { Views } from './views.ts';
import { VirtualClock } from './virtual-clock.ts';
import { Watchdog } from './watchdog.ts';

/** The addresses and mappings of a process are its own, however many kernels it has. */
export const ROOM = roomOfProcess();

/** What a kernel is made of. */
export interface Parts {
  readonly supervisor: Supervisor;
  readonly backend: WasmBackend;
  readonly modules: Modules;
  readonly spawner: Spawner;
  readonly services: HttpServices;
  readonly children: Children;
  readonly supervisors: Supervisors;
  readonly tools: GrantedTools;
  readonly mcpServers: McpServers;
  readonly elevations: Elevations;
  readonly views: Views;
  readonly metrics: KernelMetrics;
  readonly health: KernelHealth;
  readonly scores: ScoreBook;
  readonly schedule: KernelSchedule;
  readonly reliable: ReliableSends;
  readonly pipes: Pipes;
  readonly deadLetters: DeadLetters;
  readonly watchdog: Watchdog | null;
  readonly kv: KvStore;
  /** Null: nothing is recorded. */
  readonly audit: KernelAudit | null;
  /** Lets its metrics go; null: nobody measures them. */
  readonly stopMeasuring: (() => void) | null;
  /** Aborted when the kernel is closed. */
  readonly closing: AbortController;
  /** Null: agents live in the machine's time. */
  readonly clock: VirtualClock | null;
}

/** Builds all parts: none of them does anything before this has returned. */
export function buildParts(
  options: KernelOptions,
  {
    saved,
    kv,
    audit = null,
  }: {
    readonly saved: readonly SavedJob[];
    readonly kv: KvStore;
    readonly audit?: KernelAudit | null;
  },
): Parts {
  const capacity = options.capacity ?? CAPACITY_DEFAULT;
  const operator = operatorOf(options);
  const { warn } = operator;
  const closing = new AbortController();
  const deadLetters = new DeadLetters({
    now: Date.now,
    ownerOf: (pid) => supervisor.ownerOf(pid),
    came: (sender, reason) => audit?.deadLetter(sender, reason),
    lost: (messages) => audit?.messagesLost(messages),
  });
  const scores = new ScoreBook(Date.now);
  const logTaps = new LogTaps(operator.logFailed);
  const { telemetry } = options;
  const feed =
    telemetry === undefined ? null : new TelemetryFeed(telemetry, operator.telemetryFailed);
  // It can be another kernel's: that is said before anything is started.
  const stopMeasuring = telemetry?.measure({
    descriptions: DEFINITIONS,
    read: () => metrics.read(),
  });
  const registry = new ToolRegistry(operator.toolFailed);
  const tools: GrantedTools = new GrantedTools({
    registry,
    find: (pid) => supervisor.find(pid),
    grantsOf: (pid) => supervisor.grants.of(pid),
    audit: audit?.tools ?? null,
  });
  const network = networkSettings(options.network, options.secrets);
  const http = new ProgramHttp(network);
  const catalogue = catalogueTools(options.catalogue ?? {}, {
    reachOf: agentReach({
      find: (pid) => supervisor.find(pid),
      grantsOf: (pid) => supervisor.grants.of(pid),
      http,
      byAgentId: kv.byAgentId,
    }),
    kv,
  });
  for (const { description, handler } of catalogue) {
    registry.register(description, handler, { isOwn: true });
  }
  audit?.opened(
    options,
    catalogue.map(({ description }) => description.name),
  );
  const mcpServers = new McpServers({
    tools,
    secrets: network.secrets,
    closing: closing.signal,
    warn,
    offered: (server, count) =>
      audit?.note({ kind: 'mcp.offer', payload: { server, tools: count } }),
    closed: (server) => audit?.note({ kind: 'mcp.close', payload: { server } }),
  });
  const pipes = new Pipes({
    wake: (inMs, ring) => SYSTEM_CLOCK.wake(inMs, ring),
    dropped: (messages) => deadLetters.lose(messages),
  });
  const supervisor: Supervisor = new Supervisor({
    capacity,
    quotas: options.quotas ?? {},
    ownerQuotas: options.ownerQuotas ?? {},
    requestsMax: network.limits.requests,
    onLog: (line) => {
      logTaps.take(line);
      operator.log(line);
      feed?.log(line);
    },
    nearLimit: operator.nearLimit,
    requireRecording: () => audit?.requireRecording(),
    callTool: (name, argumentsJson, call) =>
      traced(feed?.tool(call.pid, registry.has(name) ? name : null, argumentsJson) ?? null, () =>
        tools.call(name, argumentsJson, call),
      ),
    spawnChild: (parent, request) => children.spawn(parent, request),
    elevate: (pid, agentId, grant, reason) =>
      elevate(elevations, operator, { pid, agentId, grant, reason }, audit),
    changed: (process, from) => {
      metrics.changed(process, from);
      feed?.changed(process, from);
      audit?.changed(process, from);
      if (from === null) {
        scores.spawned(process);
      }
      if (process.exit !== null) {
        audit?.exited(process, process.exit);
        scores.exited(process, process.exit.reason);
        schedule.exited(process.pid);
        pipes.exited(process.pid);
        logTaps.exited(process.pid);
      }
      views.changed(process, from);
    },
    exited: (pid) => {
      elevations.exited(pid);
      tools.exited(pid);
      http.exited(pid);
      kv.forget(`pid ${pid}`);
    },
    revoked: (grants) => {
      tools.revoked(grants);
      http.revoked(grants);
      audit?.revoked(grants);
    },
    childStopped: (pid) => children.stopped(pid),
    tools: (pid) => tools.list(pid),
    onMessage: options.onMessage ?? null,
    undelivered: (to, mail, why) => {
      // Who asks for the program is told itself that there is no reply.
      for (const each of mail.filter(
        ({ tag, sender }) => tag !== 'request' || sender !== KERNEL_PID,
      )) {
        deadLetters.add(to, each, why);
      }
    },
    lost: (messages) => deadLetters.lose(messages),
    warn,
  });
  const clock =
    options.clock === 'virtual'
      ? new VirtualClock({
          quiet: () => backend.quiet(),
          moveTime: (moment) => backend.moveTime(moment),
          count: () => supervisor.list().length,
        })
      : null;
  const backend: WasmBackend = new WasmBackend({
    workers: options.workers ?? Math.min(8, availableParallelism()),
    sliceFuel: options.sliceFuel ?? 100_000_000,
    blocks: supervisor.blocks.memory,
    room: ROOM,
    processWalls: options.processWalls ?? 'if-available',
    network,
    onWarning: warn,
    onWorkerLost: (lost) => audit?.workerLost(lost),
    time: () => clock?.moment ?? null,
    traceEvery: feed?.traceEvery ?? null,
    onHostCalls: (calls) => feed?.hostCalls(calls),
  });
  const modules = new Modules({
    cacheDirectory:
      options.cacheDirectory === undefined ? defaultCacheDirectory() : options.cacheDirectory,
    backend,
    closing: closing.signal,
    loaded: (digest, bytes, fromCache) => audit?.loaded(digest, bytes, fromCache),
    refused: (error) => audit?.refused(error),
    warn,
  });
  const native = new NativeBackend();
  const spawner = new Spawner({
    supervisor,
    modules,
    wasm: backend,
    starting: audit === null ? backend : new WriteAheadBackend(backend, audit),
    native,
    logTaps,
    clock,
    apart: apartPaths({
      audit: audit?.log.paths ?? [],
      anchors: audit?.log.anchorPaths ?? [],
      kv: kv.path,
      own: options.apart ?? [],
    }),
    warn,
  });
  const services = new HttpServices({
    supervisor,
    spawner,
    closing: closing.signal,
    warn,
    feed,
    opened: (module) => audit?.note({ kind: 'serve.open', module, payload: {} }),
    closed: (module) => audit?.note({ kind: 'serve.close', module, payload: {} }),
  });
  const children = new Children({
    supervisor,
    modules,
    spawner,
    warn,
    told: (parent, decided) => audit?.supervision.ofChild(parent, decided),
  });
  const supervisors = new Supervisors({
    check: (child) => spawner.check(child),
    turn: (child) => spawner.turn(child),
    open: (child) => spawner.open(child),
    spawn: (...child) => spawner.spawnOpened(...child),
    now: () => performance.timeOrigin + performance.now(),
    warn,
    follow: (specification) => audit?.supervision.follow(specification),
  });
  const elevations = new Elevations({
    ...(options.onElevation && { decide: options.onElevation }),
    grant: (pid, spec) => {
      const granted = supervisor.grants.grant(pid, [spec]);
      audit?.granted(pid, granted);
    },
    answered: (request, answer) => audit?.answered(request, answer),
    warn,
  });
  const schedule: KernelSchedule = new KernelSchedule({
    schedule: options.schedule,
    saved,
    clock: SYSTEM_CLOCK,
    agent: (pid) => agentOf(supervisor, pid),
    module: (digest) => modules.ofDigest(digest),
    check: (spawn) => {
      spawner.check(spawn);
      readGrants(spawn.grants);
    },
    spawn: (spawn) => spawner.spawn(spawn),
    warn,
  });
  const views = new Views(supervisor);
  const metrics = new KernelMetrics({
    supervisor,
    capacity,
    counts: () => views.counts(),
    modules: () => modules.size,
    elevationsWaiting: () => elevations.list().length,
    deadLetters,
    tools: () => registry.counts(),
    served: () => services.counts(),
    jobs: () => ({ jobs: schedule.list().length, jobRuns: schedule.totals }),
  });
  const health = new KernelHealth({
    checks: options.healthChecks,
    capacity,
    isClosed: () => closing.signal.aborted,
    answering: (withinMs) => backend.answering(withinMs),
    agents: () => supervisor.list().length,
    quotas: () => ({ used: supervisor.quotas.used(), max: supervisor.quotas.whole }),
    room: () => ROOM.taken,
    waiting: () => supervisors.waiting(),
    schedule: () => schedule.health(),
  });
  const watchdog =
    options.watchdog === undefined
      ? null
      : new Watchdog(options.watchdog, {
          sweep: (withinMs) => supervisor.commands.sweep(withinMs),
          warn,
        });
  audit?.watch(() => supervisor.list());
  const reliable = new ReliableSends({ supervisor, deadLetters, closing: closing.signal });
  return {
    supervisor,
    backend,
    modules,
    spawner,
    services,
    children,
    supervisors,
    tools,
    mcpServers,
    elevations,
    views,
    metrics,
    health,
    scores,
    schedule,
    reliable,
    pipes,
    deadLetters,
    watchdog,
    kv,
    audit,
    stopMeasuring: stopMeasuring ?? null,
    closing,
    clock,
  };
}

/** Does a call of a tool, and tells how it came out. */
async function traced(
  call: TracedCall | null,
  work: () => Promise<ToolOutcome>,
): Promise<ToolOutcome> {
  if (call === null) {
    return work();
  }
  const outcome = await call.run(work);
  call.ended(outcome.tag === 'ok' ? 'ok' : outcome.error);
  return outcome;
}

/** An agent asks for more: decides, and tells it what came of it, or why it could not be asked. */
async function elevate(
  elevations: Elevations,
  operator: Operator,
  asked: {
    readonly pid: Pid;
    readonly agentId: string;
    readonly grant: WordedGrant;
    readonly reason: string;
  },
  audit: KernelAudit | null,
): Promise<CallOutcome<ElevationOutcome>> {
  const { pid, agentId, grant, reason } = asked;
  try {
    const spec = specOfWords(grant, []);
    audit?.requireRecording();
    const decision = await elevations.request(pid, agentId, spec, reason);
    audit?.elevated(pid, agentId, { grant, reason }, decision);
    if (decision === 'permitted') {
      // Who is told that it may has the grant by then.
      await audit?.grantOnDisk(spec);
    }
    return { tag: 'ok', val: decision };
  } catch (error) {
    return outcomeForGuest(error, (why) =>
      operator.warn(`a grant that pid ${pid} asked for could not be decided: ${why}`),
    );
  }
}

/** Ends all agents, the threads and the processes, in the order in which nothing is started anew. */
export async function closeParts(parts: Parts): Promise<Report[]> {
  const { closing, children, supervisor, backend } = parts;
  closing.abort(
    new RingfenceError('RF_CLOSED', 'The module was not loaded as the kernel was closed.'),
  );
  // Before anybody ends: nobody is started again for it, and no job runs any more.
  const schedule = parts.schedule.close();
  parts.pipes.close();
  parts.watchdog?.close();
  children.close();
  const supervisors = parts.supervisors.close();
  const services = parts.services.close();
  const reports = await supervisor.close();
  await parts.mcpServers.close();
  await backend.close();
  await supervisors;
  await services;
  await schedule;
  parts.views.close();
  await parts.kv.close();
  await parts.audit?.close();
  parts.stopMeasuring?.();
  return reports;
}
