/**
 * What a preparing child process writes to its stdout, and how the parent reads it without trusting
 * a byte of it: a stream of frames, each a kind (1 byte), a length (4 bytes, little endian) and a
 * payload, in the order stage*, then a refusal, or a plan, its modules and the end, or what was asked for.
 */

import { z } from 'zod';
import { RingfenceError } from '../../../errors.ts';
import { printable } from './sentence.ts';

/** What a child is doing; also what `onProgress` hears, together with the parent's own stages. */
export const CHILD_STAGES = [
  'loading the tools',
  'reading',
  'adapting',
  'validating',
  'metering',
  'planning',
  'compiling',
  'optimising',
] as const;
export type ChildStage = (typeof CHILD_STAGES)[number];

const FRAME = { stage: 1, refusal: 2, plan: 3, module: 4, end: 5, told: 6 } as const;
const HEADER_BYTES = 5;
const REFUSAL_BYTES_MAX = 64 * 1024;
/** A child that names more stages than this is broken: it names each once, metering for each module. */
const STAGES_MAX = 4096;

/** The errors that a child may hand to the caller; any other is a failure of ours. */
const refusalSchema = z.strictObject({
  code: z.enum(['RF_MODULE_INVALID', 'RF_MODULE_REFUSED']),
  message: z.string(),
  fields: z.record(
    z.string().max(64),
    z.union([z.string().max(4096), z.number(), z.boolean(), z.null()]),
  ),
});

const planSchema = z.strictObject({
  adapted: z.boolean(),
  /** Indexes of the modules that must be compiled by TurboFan as well. */
  doubtful: z.array(z.int().nonnegative()),
  sizes: z.array(z.int().positive()).nonempty(),
  /** Parsed by its own schema in verify.ts. */
  plan: z.unknown(),
});

/** What the child of the first step answers when it accepts the module. */
export interface ChildAnswer {
  readonly adapted: boolean;
  readonly doubtful: readonly number[];
  readonly plan: unknown;
  readonly modules: readonly Uint8Array[];
}

/** The answer breaks the protocol; `flood` where it is too much rather than wrong. */
export class ProtocolError extends Error {
  readonly flood: boolean;
  constructor(message: string, flood = false) {
    super(message);
    this.name = 'ProtocolError';
    this.flood = flood;
  }
}

// ---------------------------------------------------------------------------------------------
// The child's side

function frame(kind: number, payload: Uint8Array): Uint8Array[] {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(kind, 0);
  header.writeUInt32LE(payload.length, 1);
  return [header, payload];
}

const utf8 = new TextEncoder();

export function stageFrame(stage: ChildStage): Uint8Array[] {
  return frame(FRAME.stage, Uint8Array.of(CHILD_STAGES.indexOf(stage)));
}

export function refusalFrame(error: RingfenceError): Uint8Array[] {
  const refusal = { code: error.code, message: error.message, fields: error.fields };
  return frame(FRAME.refusal, utf8.encode(JSON.stringify(refusal)));
}

export function answerFrames(answer: ChildAnswer): Uint8Array[] {
  const { adapted, doubtful, plan, modules } = answer;
  const sizes = modules.map((module) => module.length);
  return [
    ...frame(FRAME.plan, utf8.encode(JSON.stringify({ adapted, doubtful, sizes, plan }))),
    ...modules.flatMap((module) => frame(FRAME.module, module)),
    ...endFrame(),
  ];
}

/** The whole answer of a child that was asked for something that JSON can say. */
export function toldFrames(value: unknown): Uint8Array[] {
  return frame(FRAME.told, utf8.encode(JSON.stringify(value)));
}

/** The whole answer of a child that has nothing but success to report. */
export function endFrame(): Uint8Array[] {
  return frame(FRAME.end, new Uint8Array(0));
}

// ---------------------------------------------------------------------------------------------
// The parent's side

/** How much is taken back. */
export interface AnswerBounds {
  readonly planBytes: number;
  readonly modules: number;
  readonly modulesBytes: number;
}

/** A complete answer: the refusal as an error, what was accepted (null: only success), or what was asked for. */
export type Answer =
  /** Of no form yet: whoever asked knows which. */
  | { readonly kind: 'told'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly error: RingfenceError }
  | { readonly kind: 'accepted'; readonly answer: ChildAnswer | null };

type PlanFrame = z.infer<typeof planSchema>;

/** Puts an answer together from chunks; every length is checked before anything is allocated. */
export class AnswerReader {
  readonly #bounds: AnswerBounds;
  readonly #onStage: (stage: ChildStage) => void;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerFilled = 0;
  #payload: Uint8Array | null = null;
  #payloadFilled = 0;
  #stages = 0;
  #plan: PlanFrame | null = null;
  readonly #modules: Uint8Array[] = [];
  #answer: Answer | null = null;

  constructor(bounds: AnswerBounds, onStage: (stage: ChildStage) => void) {
    this.#bounds = bounds;
    this.#onStage = onStage;
  }

  /** @throws ProtocolError as soon as the answer can't become a right one. */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#answer !== null) throw new ProtocolError('bytes after the end of the answer');
      at += this.#payload === null ? this.#fillHeader(chunk, at) : this.#fillPayload(chunk, at);
    }
  }

  /** @throws ProtocolError where the answer stopped half way. */
  finish(): Answer {
    if (this.#answer === null) throw new ProtocolError('the answer stops half way');
    return this.#answer;
  }

  #fillHeader(chunk: Uint8Array, at: number): number {
    const taken = Math.min(HEADER_BYTES - this.#headerFilled, chunk.length - at);
    this.#header.set(chunk.subarray(at, at + taken), this.#headerFilled);
    this.#headerFilled += taken;
    if (this.#headerFilled === HEADER_BYTES) this.#beginPayload();
    return taken;
  }

  #beginPayload(): void {
    const length = this.#header.readUInt32LE(1);
    const lengthMax = this.#lengthMax(this.#header.readUInt8(0));
    if (length > lengthMax) {
      throw new ProtocolError(`a frame of ${length} bytes where ${lengthMax} are the most`, true);
    }
    this.#payload = new Uint8Array(length);
    this.#payloadFilled = 0;
    if (length === 0) this.#endPayload();
  }

  #fillPayload(chunk: Uint8Array, at: number): number {
    const payload = this.#payload!;
    const taken = Math.min(payload.length - this.#payloadFilled, chunk.length - at);
    payload.set(chunk.subarray(at, at + taken), this.#payloadFilled);
    this.#payloadFilled += taken;
    if (this.#payloadFilled === payload.length) this.#endPayload();
    return taken;
  }

  #endPayload(): void {
    const payload = this.#payload!;
    this.#payload = null;
    this.#headerFilled = 0;
    this.#take(this.#header.readUInt8(0), payload);
  }

  /** How long a frame of this kind may be here; throws where it has no place here. */
  #lengthMax(kind: number): number {
    if (this.#plan === null) {
      if (kind === FRAME.stage) return 1;
      if (kind === FRAME.refusal) return REFUSAL_BYTES_MAX;
      if (kind === FRAME.plan || kind === FRAME.told) return this.#bounds.planBytes;
      if (kind === FRAME.end) return 0;
    } else {
      const size = this.#plan.sizes[this.#modules.length];
      if (kind === FRAME.module && size !== undefined) return size;
      if (kind === FRAME.end && size === undefined) return 0;
    }
    throw new ProtocolError(`a frame of kind ${kind} where none may stand`);
  }

  #take(kind: number, payload: Uint8Array): void {
    if (kind === FRAME.stage) this.#takeStage(payload);
    else if (kind === FRAME.refusal) this.#answer = { kind: 'refused', error: refusalOf(payload) };
    else if (kind === FRAME.plan) this.#plan = this.#planOf(payload);
    else if (kind === FRAME.module) this.#takeModule(payload);
    else if (kind === FRAME.told) this.#answer = { kind: 'told', value: jsonOf(payload) };
    else this.#answer = { kind: 'accepted', answer: this.#accepted() };
  }

  #takeStage(payload: Uint8Array): void {
    this.#stages += 1;
    if (this.#stages > STAGES_MAX) throw new ProtocolError('too many stages', true);
    const stage = CHILD_STAGES[payload[0] ?? CHILD_STAGES.length];
    if (stage === undefined) throw new ProtocolError('an unknown stage');
    this.#onStage(stage);
  }

  #planOf(payload: Uint8Array): PlanFrame {
    const parsed = planSchema.safeParse(jsonOf(payload));
    if (!parsed.success) throw new ProtocolError(`a wrong plan: ${parsed.error.message}`);
    const { sizes, doubtful } = parsed.data;
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    if (sizes.length > this.#bounds.modules || bytes > this.#bounds.modulesBytes) {
      throw new ProtocolError(`${sizes.length} modules of ${bytes} bytes`, true);
    }
    if (doubtful.some((index) => index >= sizes.length)) {
      throw new ProtocolError('doubt about a module that is not there');
    }
    return parsed.data;
  }

  #takeModule(payload: Uint8Array): void {
    const size = this.#plan!.sizes[this.#modules.length];
    if (payload.length !== size) throw new ProtocolError('a module of another size than announced');
    this.#modules.push(payload);
  }

  #accepted(): ChildAnswer | null {
    if (this.#plan === null) return null;
    const { adapted, doubtful, plan } = this.#plan;
    return { adapted, doubtful, plan, modules: this.#modules };
  }
}

function refusalOf(payload: Uint8Array): RingfenceError {
  const parsed = refusalSchema.safeParse(jsonOf(payload));
  if (!parsed.success) throw new ProtocolError(`a wrong refusal: ${parsed.error.message}`);
  const { code, message, fields } = parsed.data;
  // Names out of the module stand in these texts: they are made fit for a terminal here, whoever
  // wrote the sentence.
  const clean = Object.entries(fields).map(([name, value]) => [
    printable(name),
    typeof value === 'string' ? printable(value) : value,
  ]);
  return new RingfenceError(code, printable(message), Object.fromEntries(clean));
}

function jsonOf(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch (error) {
    throw new ProtocolError(`no JSON: ${printable(String(error), 200)}`);
  }
}
