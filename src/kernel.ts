/** The composition root: builds the parts and joins them. */

import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { WasmBackend } from './backend/wasm.ts';
import { type Grants, type GrantsInput, NO_GRANTS, parseGrants } from './capability/grants.ts';
import { type ErrorCode, RingfenceError } from './errors.ts';
import { MESSAGE_BYTES_MAX, type Payload, payloadBytes } from './ipc/message.ts';
import { KERNEL_PID, type Pid, type ProcessState } from './process/state.ts';
import { type LimitsInput, parseLimits } from './resource/limits.ts';
import type { Usage } from './resource/usage.ts';
import type { InputGiven } from './supervisor/input.ts';
import type { OutputWriter } from './supervisor/output.ts';
import type { Report } from './supervisor/report.ts';
import { type LogLine, type Process, Supervisor } from './supervisor/supervisor.ts';
import { type ToolDescription, type ToolHandler, ToolRegistry } from './tools/registry.ts';
import { kindOf } from './wasm/component/prepare/kinds.ts';
import {
  DEFAULT_PREPARE_LIMITS,
  defaultCacheDirectory,
  type PreparedModule,
  prepareModule,
  requireSize,
} from './wasm/component/prepare/prepare.ts';
import { WorkQueue } from './wasm/component/prepare/queue.ts';

/** How a kernel is opened. */
export interface KernelOptions {
  /** Threads that run agents. @default the machine's cores, at most 8 */
  readonly workers?: number;
  /**
   * Agents that live at a time. @default 4096
   *
   * At about 16,000 suspended stacks V8 ends the whole process, so 12,000 is the most.
   */
  readonly capacity?: number;
  /**
   * The most fuel between two scheduling points of an agent; slices that take long are made shorter.
   * What an agent uses does not depend on it. @default 2,000,000
   */
  readonly sliceFuel?: number;
  /** Where prepared modules are kept; null: nowhere. @default the user's cache directory */
  readonly cacheDirectory?: string | null;
  /** Takes the lines that agents log. */
  readonly onLog?: (line: LogLine) => void;
  /** Takes what the operator should know. */
  readonly onWarning?: (text: string) => void;
}

const optionsSchema = z.strictObject({
  workers: z.number().int().min(1).max(64).optional(),
  capacity: z.number().int().min(1).max(12_000).optional(),
  sliceFuel: z.number().int().min(1).max(1_000_000_000).optional(),
  cacheDirectory: z.string().nullish(),
  onLog: z.custom<(line: LogLine) => void>((value) => typeof value === 'function').optional(),
  onWarning: z.custom<(text: string) => void>((value) => typeof value === 'function').optional(),
});

/** A module that was prepared and can be spawned from. */
export interface LoadedModule {
  /** SHA-256 of the file, hexadecimal. */
  readonly digest: string;
  /** Where it was read from; null where bytes were given. */
  readonly path: string | null;
  /** What it is: exports `run` of our contract, or `wasi:cli/run`. */
  readonly world: 'ringfence:agent' | 'wasi:cli';
  /** Its imports; names are the module's own words: make them printable before they are shown. */
  readonly imports: readonly {
    readonly name: string;
    readonly interface: string;
    readonly version: string | null;
    readonly functions: readonly string[];
  }[];
  readonly exports: readonly string[];
  /** Bytes of the memories and tables that it declares. */
  readonly declaredBytes: number;
  /** Whether it came out of the cache, and nothing was prepared. */
  readonly fromCache: boolean;
  /** Whether it was a wasip1 module that was adapted. */
  readonly adapted: boolean;
}

/** What is spawned, with what it may and how much. */
export interface SpawnOptions {
  readonly module: LoadedModule;
  /** A name for logs and reports, 1 to 256 characters. @default the module's path as it was given, or the first 12 digits of its digest */
  readonly agentId?: string;
  /** The guest's arguments; the first is, by habit, its own name. */
  readonly arguments?: readonly string[];
  /** The guest's environment variables, and all of them: none of the host's is seen. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Nothing is granted by default. */
  readonly grants?: GrantsInput;
  /** What is absent has its default: {@link DEFAULT_LIMITS}. */
  readonly limits?: LimitsInput;
  /** @default empty */
  readonly stdin?: InputGiven;
  /** @default captured, up to 1 MiB */
  readonly stdout?: OutputWriter;
  /** @default captured, up to 1 MiB */
  readonly stderr?: OutputWriter;
  /** Which of its streams are terminals. @default none */
  readonly terminal?: {
    readonly stdin?: boolean;
    readonly stdout?: boolean;
    readonly stderr?: boolean;
  };
}

const payloadSchema = z.union([
  z.strictObject({ tag: z.enum(['text', 'json']), val: z.string() }),
  z.strictObject({ tag: z.literal('binary'), val: z.instanceof(Uint8Array) }),
]);

const sendSchema = z.strictObject({ waitMs: z.number().int().nonnegative().optional() });

const inputSchema = z.custom<InputGiven>(
  (value) =>
    typeof value === 'string' ||
    value instanceof Uint8Array ||
    (typeof value === 'object' && value !== null && Symbol.asyncIterator in value),
  'give bytes, a text, or something that can be read chunk by chunk',
);

const spawnSchema = z.strictObject({
  module: z.custom<LoadedModule>((value) => typeof value === 'object' && value !== null),
  agentId: z.string().min(1).max(256).optional(),
  arguments: z.array(z.string()).max(10_000).optional(),
  environment: z.record(z.string().regex(/^[^=\0]+$/), z.string()).optional(),
  grants: z.unknown().optional(),
  limits: z.unknown().optional(),
  stdin: inputSchema.optional(),
  stdout: z.custom<OutputWriter>((value) => typeof value === 'function').optional(),
  stderr: z.custom<OutputWriter>((value) => typeof value === 'function').optional(),
  terminal: z
    .strictObject({
      stdin: z.boolean().optional(),
      stdout: z.boolean().optional(),
      stderr: z.boolean().optional(),
    })
    .optional(),
});

function usageError(what: string, error: z.ZodError): RingfenceError {
  const issue = error.issues[0];
  const where = issue?.path.join('.') || 'the options';
  return new RingfenceError(
    'RF_USAGE',
    `Cannot ${what} with '${where}': ${issue?.message ?? 'not understood'}.`,
    { name: where },
  );
}

/** An agent, from the outside. */
export class Agent {
  readonly #process: Process;
  readonly #supervisor: Supervisor;

  /** Made by {@link Kernel.spawn}. */
  constructor(process: Process, supervisor: Supervisor) {
    this.#process = process;
    this.#supervisor = supervisor;
  }

  /** Its name in the kernel: from 1, never given out again. */
  get pid(): Pid {
    return this.#process.pid;
  }
  /** The name that it was spawned under; several agents may have the same. */
  get agentId(): string {
    return this.#process.agentId;
  }
  /** Where it is between `starting` and `exited`. */
  get state(): ProcessState {
    return this.#process.state;
  }
  /** Resolves with the report when the agent has ended, for whatever reason. Never rejects. */
  get exited(): Promise<Report> {
    return this.#process.exited;
  }
  /** What was captured of its standard output, where no writer was given. */
  get stdout(): Uint8Array {
    return this.#process.stdout.captured;
  }
  /** What was captured of its standard error, where no writer was given. */
  get stderr(): Uint8Array {
    return this.#process.stderr.captured;
  }
  /** Used so far, or in all once it has ended. */
  usage(): Usage {
    return this.#process.usage;
  }
  /** Slices of fuel that it has used up so far. */
  slices(): number {
    return this.#process.slices;
  }

  /**
   * Sends it a message, as the kernel (pid 0). A string is a text, bytes are binary.
   *
   * @throws {RingfenceError} `RF_CLOSED` when it has ended, `RF_MAILBOX_FULL` when there is no room
   * (within `waitMs`), `RF_LIMIT_EXCEEDED` for more than 16 MiB.
   */
  async send(
    message: string | Uint8Array | Payload,
    options: { readonly waitMs?: number } = {},
  ): Promise<void> {
    const payload = toPayload(message);
    const parsed = sendSchema.safeParse(options);
    if (!parsed.success) {
      throw usageError('send the message', parsed.error);
    }
    const outcome = await this.#supervisor.deliver(
      KERNEL_PID,
      this.pid,
      payload,
      options.waitMs ?? null,
    );
    if (outcome.tag === 'err') {
      const code = CODE_OF_OUTCOME[outcome.error] ?? 'RF_CLOSED';
      throw new RingfenceError(code, `Cannot send to pid ${this.pid}: ${outcome.message}.`, {
        pid: this.pid,
      });
    }
  }

  /** Ends it by force; its report says `killed`. */
  kill(message?: string): void {
    this.#supervisor.kill(this.pid, message);
  }
}

/** Codes of what a delivery can answer; whatever else it is, nobody is there. */
const CODE_OF_OUTCOME: Readonly<Record<string, ErrorCode>> = {
  'mailbox-full': 'RF_MAILBOX_FULL',
  'limit-exceeded': 'RF_LIMIT_EXCEEDED',
  'not-found': 'RF_PROCESS_NOT_FOUND',
};

function toPayload(message: string | Uint8Array | Payload): Payload {
  const payload: Payload =
    typeof message === 'string'
      ? { tag: 'text', val: message }
      : message instanceof Uint8Array
        ? { tag: 'binary', val: message }
        : message;
  const parsed = payloadSchema.safeParse(payload);
  if (!parsed.success) {
    throw usageError('send the message', parsed.error);
  }
  const bytes = payloadBytes(payload);
  if (bytes > MESSAGE_BYTES_MAX) {
    throw new RingfenceError(
      'RF_LIMIT_EXCEEDED',
      `Cannot send a message of ${bytes} bytes: ${MESSAGE_BYTES_MAX} is the most; send it in parts.`,
      { size: bytes, limit: MESSAGE_BYTES_MAX },
    );
  }
  return payload;
}

/** What the grants of the public API are called, by the capability that the gate asks for. */
const GRANT_OF_CAPABILITY: Readonly<Record<string, string>> = {
  can_ipc: 'ipc',
  can_network: 'network',
  can_exec_tools: 'tools',
  can_spawn: 'spawn',
};

/** Clocks and random numbers, which only a policy withdraws. */
function isGrantedAnyway(capability: string): boolean {
  return NO_GRANTS[capability as keyof Grants] === true;
}

function describe(prepared: PreparedModule, path: string | null): LoadedModule {
  const { plan } = prepared;
  return {
    digest: prepared.digest,
    path,
    world: plan.entry.kind === 'agent-run' ? 'ringfence:agent' : 'wasi:cli',
    imports: plan.imports,
    exports: plan.exports,
    declaredBytes: plan.declaredBytes,
    fromCache: prepared.fromCache,
    adapted: prepared.adapted,
  };
}

/** Enough of a file to tell what it is. */
const HEAD_BYTES = 4096;

function unreadable(path: string, why: string): RingfenceError {
  return new RingfenceError('RF_FILE', `Cannot load ${JSON.stringify(path)}: ${why}.`, { path });
}

/** Reads a module's file: a regular one, of which no more is read than a module may have. */
async function readModule(path: string): Promise<Uint8Array> {
  let file: FileHandle | undefined;
  try {
    // A FIFO must not hold up who opens it.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const status = await file.stat();
    if (status.isDirectory()) {
      throw unreadable(path, 'it is a directory; name the .wasm file');
    }
    if (!status.isFile()) {
      throw unreadable(path, 'it is no regular file; name the .wasm file');
    }
    if (status.size > DEFAULT_PREPARE_LIMITS.fileBytes) {
      const head = Buffer.alloc(HEAD_BYTES);
      kindOf(head.subarray(0, (await file.read(head, 0, HEAD_BYTES, 0)).bytesRead));
      requireSize(status.size);
    }
    return await file.readFile();
  } catch (error) {
    if (error instanceof RingfenceError) {
      throw error;
    }
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw unreadable(
      path,
      code === 'ENOENT'
        ? 'there is no such file; check the path'
        : `it can't be read (${code}); check what it is and who may read it`,
    );
  } finally {
    await file?.close();
  }
}

/** Modules that are prepared at a time. */
const PREPARATIONS_AT_A_TIME = 2;

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** The operator's function, which must not end the program when it throws. */
function warner(onWarning: ((text: string) => void) | undefined): (text: string) => void {
  return (text) => {
    try {
      onWarning?.(text);
    } catch (error) {
      process.emitWarning(`onWarning failed: ${messageOf(error)} (it was told: ${text})`);
    }
  };
}

function pathOf(source: string | URL | Uint8Array): string | null {
  if (source instanceof Uint8Array) {
    return null;
  }
  if (typeof source === 'string') {
    return source;
  }
  if (source instanceof URL && source.protocol === 'file:') {
    return fileURLToPath(source);
  }
  throw new RingfenceError(
    'RF_USAGE',
    'Cannot load the module: give a path, a file: URL, or its bytes.',
  );
}

/**
 * A kernel: loads modules, spawns agents, and ends them all when it is closed.
 *
 * @see {@link openKernel}
 */
export class Kernel implements AsyncDisposable {
  readonly #supervisor: Supervisor;
  readonly #backend: WasmBackend;
  readonly #tools: ToolRegistry;
  readonly #cacheDirectory: string | null;
  readonly #onWarning: (text: string) => void;
  /** Modules that this kernel has handed out: nobody else's can be spawned from. */
  readonly #modules = new WeakSet<LoadedModule>();
  readonly #preparations = new WorkQueue(PREPARATIONS_AT_A_TIME);
  readonly #closing = new AbortController();

  /** Use {@link openKernel}. */
  constructor(options: KernelOptions) {
    const warn = warner(options.onWarning);
    this.#onWarning = warn;
    this.#cacheDirectory =
      options.cacheDirectory === undefined ? defaultCacheDirectory() : options.cacheDirectory;
    this.#tools = new ToolRegistry((tool, error) =>
      warn(`the tool '${tool}' failed: ${messageOf(error)}`),
    );
    this.#supervisor = new Supervisor({
      capacity: options.capacity ?? 4096,
      onLog: (line) => {
        try {
          options.onLog?.(line);
        } catch (error) {
          warn(`onLog failed: ${messageOf(error)}`);
        }
      },
      callTool: (name, argumentsJson, call) => this.#tools.call(name, argumentsJson, call),
    });
    this.#backend = new WasmBackend({
      workers: options.workers ?? Math.min(8, availableParallelism()),
      sliceFuel: options.sliceFuel ?? 2_000_000,
      blocks: this.#supervisor.blocks.memory,
      onWarning: warn,
    });
  }

  /**
   * Reads and prepares a module: from a file, or from bytes.
   *
   * An unknown one is validated, checked and metered in a child process first; a known one comes out
   * of the cache.
   *
   * @throws {RingfenceError} `RF_FILE`, `RF_MODULE_INVALID`, `RF_MODULE_REFUSED`, `RF_PREPARE_LIMIT`
   */
  async load(
    source: string | URL | Uint8Array,
    options: {
      readonly onProgress?: (stage: string) => void;
      readonly signal?: AbortSignal;
    } = {},
  ): Promise<LoadedModule> {
    if (this.#closing.signal.aborted) {
      throw new RingfenceError(
        'RF_CLOSED',
        'Cannot load a module as the kernel is closed: open another.',
      );
    }
    const path = pathOf(source);
    const bytes = source instanceof Uint8Array ? source : await readModule(path ?? '');
    const signals = [this.#closing.signal, ...(options.signal ? [options.signal] : [])];
    const signal = AbortSignal.any(signals);
    const { onProgress } = options;
    const cacheDirectory = this.#cacheDirectory;
    const [prepared] = await Promise.all([
      this.#preparations.run(
        () => prepareModule(bytes, { cacheDirectory, onProgress, signal }),
        signal,
      ),
      this.#backend.ready(),
    ]);
    for (const warning of prepared.warnings) {
      this.#onWarning(warning);
    }
    this.#backend.addModule(prepared);
    const module = Object.freeze(describe(prepared, path));
    this.#modules.add(module);
    return module;
  }

  /**
   * The grants that a module's imports can use, by the gate's own table: it may run without, and is
   * then denied.
   */
  async neededGrants(module: LoadedModule): Promise<string[]> {
    // Only who asks needs the host functions in this thread.
    const { HOST } = await import('./wasm/host/index.ts');
    const capabilities = module.imports.flatMap((imported) =>
      imported.functions.map((name) => HOST.get(imported.interface)?.get(name)?.capability ?? null),
    );
    const grants = capabilities.flatMap((capability) =>
      capability === null || isGrantedAnyway(capability)
        ? []
        : [GRANT_OF_CAPABILITY[capability] ?? capability],
    );
    return [...new Set(grants)];
  }

  /**
   * Spawns an agent: it starts at once, within what it is granted and its limits.
   *
   * @throws {RingfenceError} `RF_USAGE`, `RF_MODULE_REFUSED` when the module declares more memory than
   * the limit, `RF_PROCESS_TABLE_FULL`, `RF_CLOSED`
   */
  async spawn(options: SpawnOptions): Promise<Agent> {
    const parsed = spawnSchema.safeParse(options);
    if (!parsed.success) {
      throw usageError('spawn the agent', parsed.error);
    }
    const { module } = options;
    if (!this.#modules.has(module)) {
      throw new RingfenceError(
        'RF_USAGE',
        "Cannot spawn the agent as 'module' is none that this kernel has loaded: give what load() answered.",
      );
    }
    const limits = parseLimits(options.limits);
    const grants = parseGrants(options.grants);
    if (limits.memoryBytes !== 0 && module.declaredBytes > limits.memoryBytes) {
      throw new RingfenceError(
        'RF_MODULE_REFUSED',
        `Cannot run the module as it declares ${module.declaredBytes} bytes of memory, and its limit is ${limits.memoryBytes}: raise the limit (--max-memory).`,
        { declared: module.declaredBytes, limit: limits.memoryBytes },
      );
    }
    const process = this.#supervisor.spawn(
      {
        agentId: options.agentId ?? module.path ?? module.digest.slice(0, 12),
        parentPid: KERNEL_PID,
        module: { path: module.path, digest: module.digest },
        grants,
        limits,
        arguments: options.arguments ?? [],
        environment: Object.entries(options.environment ?? {}),
        terminal: {
          stdin: options.terminal?.stdin ?? false,
          stdout: options.terminal?.stdout ?? false,
          stderr: options.terminal?.stderr ?? false,
        },
        input: options.stdin,
        stdout: options.stdout,
        stderr: options.stderr,
      },
      this.#backend,
    );
    return new Agent(process, this.#supervisor);
  }

  /**
   * Offers a tool to agents that are granted it.
   *
   * @throws {RingfenceError} `RF_USAGE`
   */
  registerTool(description: ToolDescription, handler: ToolHandler): void {
    if (typeof handler !== 'function') {
      throw new RingfenceError(
        'RF_USAGE',
        "Cannot register the tool as 'handler' is no function: give the function that does its work.",
      );
    }
    this.#tools.register(description, handler);
  }

  /** All agents that have not exited, in the order of their pids. */
  list(): { pid: Pid; agentId: string; parentPid: Pid; state: ProcessState }[] {
    return this.#supervisor
      .list()
      .map(({ pid, agentId, parentPid, state }) => ({ pid, agentId, parentPid, state }));
  }

  /** Ends an agent by force. @throws {RingfenceError} `RF_PROCESS_NOT_FOUND` */
  kill(pid: Pid, message?: string): void {
    this.#supervisor.kill(pid, message);
  }

  /** Ends all agents and the workers. Resolves with the reports of those that were still alive. */
  async close(): Promise<Report[]> {
    this.#closing.abort(
      new RingfenceError('RF_CLOSED', 'The module was not loaded as the kernel was closed.'),
    );
    const reports = await this.#supervisor.close();
    await this.#backend.close();
    return reports;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Opens a kernel.
 *
 * @throws {RingfenceError} `RF_USAGE` for an option that can't be understood.
 *
 * @example
 * ```ts
 * await using kernel = await openKernel({ workers: 2 });
 * const module = await kernel.load('hello.wasm');
 * const agent = await kernel.spawn({ module, limits: { fuel: 1_000_000 } });
 * (await agent.exited).exit.reason; // 'normal'
 * ```
 */
export async function openKernel(options: KernelOptions = {}): Promise<Kernel> {
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) {
    throw usageError('open a kernel', parsed.error);
  }
  return new Kernel(options);
}
