/** Writes the metered module: the sections with their indices shifted, the bodies with their charges. */

import { BodyWriter } from './body-writer.ts';
import { BranchHints } from './branch-hints.ts';
import type { MeterCaps } from './caps.ts';
import { EDIT, EditList } from './edits.ts';
import { BodyWalker } from './function-body.ts';
import type { FunctionPlan } from './function-plan.ts';
import type { HelperSet } from './helpers.ts';
import { type ImageExports, imageFunctions, memoryImport } from './image.ts';
import {
  enterFunction,
  helperFunction,
  type InjectedFunction,
  refuelFunction,
} from './injected.ts';
import { INJECTED_FUNCTIONS, INJECTED_GLOBALS, Layout } from './layout.ts';
import { type DecodedModule, type MemoryType, SECTION, SECTION_ORDER } from './module.ts';
import { rewriteNames } from './names.ts';
import type { CodePositions } from './positions.ts';
import type { References } from './references.ts';
import { beyondCap, refusedSize } from './refusals.ts';
import { ByteWriter, sectionLength, u32Length } from './writer.ts';

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const KIND_FUNCTION = 0;
const KIND_MEMORY = 2;
const KIND_GLOBAL = 3;
const MUTABLE = 1;
/** An element segment that only declares functions as referenced. */
const DECLARATIVE_ELEMENTS = 3;

/** What the rewriter is given: the decoded module, and what is needed to look into its bodies. */
export interface RewriteInput {
  readonly module: DecodedModule;
  /** What each function of the module's own costs where it is a leaf. */
  readonly leaves: Int8Array;
  /** The helpers that sections need; those that bodies need are added. */
  readonly helpers: HelperSet;
  /** Whether functions take fuel. */
  readonly references: References;
  readonly caps: MeterCaps;
  /** The import module name of what is injected. */
  readonly injected: string;
  /** The export name of the start function; null: there is none. */
  readonly startExport: string | null;
  /** Exports of what a host may want to put back; null: there are none. */
  readonly imageExports: ImageExports | null;
  /** All memories of its own, where they are to be imports; else none. */
  readonly memoryImports: readonly MemoryType[];
  /** Told of each body that was walked over. */
  readonly walked: (plan: FunctionPlan) => void;
  /** The module's name in the engine's traces; null: the one that it has. */
  readonly moduleName: string | null;
  /** Hears where all code comes from; null: nobody wants to know. */
  readonly positions: CodePositions | null;
}

/** What was written. */
export interface Rewritten {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What its types count as, added ones included: see `typeWeight`. */
  readonly types: number;
}

/** A section as it is written: its content, behind the count of its items where that isn't in there. */
interface Section {
  readonly id: number;
  readonly content: Uint8Array;
  readonly items?: number;
}

const lengthOf = ({ content, items }: Section): number =>
  sectionLength(content.length + (items === undefined ? 0 : u32Length(items)));

/** Where the content of the code section begins in the module of these sections. */
function codeStart(sections: readonly Section[]): number {
  const code = sections.findIndex(({ id }) => id === SECTION.code);
  const before = sections.slice(0, code + 1).reduce((sum, section) => sum + lengthOf(section), 0);
  return HEADER.length + before - sections[code]!.content.length;
}

/** The module of these sections, into bytes that are as many from the start: large ones are not copied again. */
function join(sections: readonly Section[]): Uint8Array<ArrayBuffer> {
  const size = sections.reduce((sum, section) => sum + lengthOf(section), HEADER.length);
  const out = new ByteWriter(size);
  out.raw(...HEADER);
  for (const { id, content, items } of sections) {
    if (items === undefined) out.section(id, content);
    else out.vectorSection(id, items, content);
  }
  return out.finish();
}

/** Writes the module; null: it has typed references, and its functions must not take fuel. */
export function rewrite(input: RewriteInput): Rewritten | null {
  const rewriter = new Rewriter(input);
  const bytes = rewriter.write();
  return bytes && { bytes, types: rewriter.types };
}

class Rewriter {
  readonly #input: RewriteInput;
  readonly #layout: Layout;
  readonly #hints: BranchHints;
  #added: readonly InjectedFunction[] = [];

  constructor(input: RewriteInput) {
    this.#input = input;
    this.#layout = new Layout(input.module, input.helpers, input.leaves, input.references);
    this.#hints = new BranchHints(input.module);
  }

  /** Known when it has been written. */
  get types(): number {
    return this.#input.module.typesWeight + this.#layout.types.weight;
  }

  write(): Uint8Array<ArrayBuffer> | null {
    const { module, positions } = this.#input;
    positions?.restart();
    // The bodies come first: they say which types and functions are added.
    const code = this.#code();
    if (code === null) return null;
    const functions = this.#functions();
    for (const { parameters, results } of INJECTED_FUNCTIONS) {
      this.#layout.types.of(parameters, results);
    }
    const sections: Section[] = [];
    for (const id of SECTION_ORDER) {
      if (id === SECTION.code) {
        if (!this.#hints.isEmpty)
          sections.push({ id: SECTION.custom, content: this.#hintsContent() });
        sections.push({
          id,
          content: code.bytes,
          items: module.bodies.length + this.#added.length,
        });
        continue;
      }
      const content = id === SECTION.function ? functions.bytes : this.#section(id);
      if (content !== null) sections.push({ id, content });
    }
    const names = rewriteNames(module, this.#layout, this.#input.moduleName);
    if (names !== null) sections.push({ id: SECTION.custom, content: names.bytes });
    positions?.begin(codeStart(sections));
    return join(sections);
  }

  #hintsContent(): Uint8Array {
    const content = new ByteWriter();
    this.#hints.write(content);
    return content.bytes;
  }

  /** The content of a section; null: there is none. */
  #section(id: number): Uint8Array | null {
    const { startExport, imageExports, memoryImports, module } = this.#input;
    switch (id) {
      case SECTION.type:
        return this.#extended(id, this.#layout.types.encoded.length, (out) => {
          for (const encoded of this.#layout.types.encoded) out.raw(...encoded);
        });
      case SECTION.import:
        return this.#extended(
          id,
          INJECTED_FUNCTIONS.length + INJECTED_GLOBALS.length + memoryImports.length,
          (out) => this.#writeImports(out),
        );
      case SECTION.memory:
        return memoryImports.length > 0 ? null : this.#extended(id, 0, () => {});
      case SECTION.export:
        return this.#extended(id, this.#addedExports, (out) => {
          if (startExport !== null) this.#writeStartExport(out, startExport);
          if (imageExports !== null) this.#writeImageExports(out, imageExports);
        });
      case SECTION.start:
        return null;
      case SECTION.element:
        return this.#elements();
      case SECTION.data:
      case SECTION.dataCount:
        return module.sections.has(id) ? this.#extended(id, 0, () => {}) : null;
      default:
        return this.#extended(id, 0, () => {});
    }
  }

  /** A section as it was, its indices shifted, with `more` items after its own; null: it has none. */
  #extended(id: number, more: number, write: (out: ByteWriter) => void): Uint8Array | null {
    const { module } = this.#input;
    const range = module.sections.get(id);
    if (range === undefined && more === 0) return null;
    if (range !== undefined && more === 0 && !module.edits.has(id)) {
      return module.bytes.subarray(range.content, range.end);
    }
    const out = new ByteWriter(range === undefined ? 64 : range.end - range.content + 64);
    out.u32((range?.count ?? 0) + more);
    if (range !== undefined) this.#copyShifted(out, id, range.items, range.end);
    write(out);
    return out.bytes;
  }

  #copyShifted(out: ByteWriter, id: number, start: number, end: number): void {
    const { bytes, edits: bySection } = this.#input.module;
    const edits = bySection.get(id);
    let position = start;
    for (let edit = 0; edit < (edits?.length ?? 0); edit++) {
      out.copy(bytes, position, edits!.at(edit));
      this.#writeIndex(out, edits!.kind(edit), edits!.value(edit));
      position = edits!.resume(edit);
    }
    out.copy(bytes, position, end);
  }

  #writeIndex(out: ByteWriter, kind: number, index: number): void {
    if (kind === EDIT.globalIndex) out.u32(this.#layout.global(index));
    else if (kind === EDIT.referenceIndex) out.u32(this.#layout.reference(index));
    else out.u32(this.#layout.exported(index));
  }

  #writeImports(out: ByteWriter): void {
    const { injected, memoryImports } = this.#input;
    for (const { name, parameters, results } of INJECTED_FUNCTIONS) {
      out.name(injected);
      out.name(name);
      out.u8(KIND_FUNCTION);
      out.u32(this.#layout.types.of(parameters, results));
    }
    for (const { name, type } of INJECTED_GLOBALS) {
      out.name(injected);
      out.name(name);
      out.raw(KIND_GLOBAL, type, MUTABLE);
    }
    // Behind the imported ones that it has, as its own would stand: no index shifts.
    for (const [index, { initialPages, maximumPages }] of memoryImports.entries()) {
      out.name(injected);
      out.name(memoryImport(index));
      out.u8(KIND_MEMORY);
      out.u8(maximumPages === null ? 0 : 1);
      out.u32(initialPages);
      if (maximumPages !== null) out.u32(maximumPages);
    }
  }

  #writeStartExport(out: ByteWriter, name: string): void {
    out.name(name);
    out.u8(KIND_FUNCTION);
    out.u32(this.#layout.started(this.#input.module.start!));
  }

  get #addedExports(): number {
    const { startExport, imageExports } = this.#input;
    const ofGlobals = imageExports?.globals ? 2 : 0;
    return (startExport === null ? 0 : 1) + (imageExports?.memories.length ?? 0) + ofGlobals;
  }

  #writeImageExports(out: ByteWriter, { memories, globals }: ImageExports): void {
    for (const { name, index } of memories) {
      out.name(name);
      out.u8(KIND_MEMORY);
      out.u32(index);
    }
    if (globals === null) return;
    // The last that were added.
    const first = this.#layout.helperNumber(this.#input.helpers.list.length);
    for (const [place, name] of [globals.read, globals.write].entries()) {
      out.name(name);
      out.u8(KIND_FUNCTION);
      out.u32(first + place);
    }
  }

  /** The function section: a body that takes fuel has another type. */
  #functions(): ByteWriter {
    const { module } = this.#input;
    const out = new ByteWriter(module.functions.length * 2 + this.#added.length * 2 + 16);
    const imported = module.imported.function;
    out.u32(module.functions.length - imported + this.#added.length);
    for (let index = imported; index < module.functions.length; index++) {
      out.u32(this.#layout.bodyType(index));
    }
    for (const { type } of this.#added) out.u32(type);
    return out;
  }

  /** What code refers to must be declared: a function may have been by an export only. */
  #elements(): Uint8Array | null {
    const { declared } = this.#input.helpers;
    if (declared.size === 0) return this.#extended(SECTION.element, 0, () => {});
    return this.#extended(SECTION.element, 1, (out) => {
      out.raw(DECLARATIVE_ELEMENTS, 0);
      out.u32(declared.size);
      for (const target of declared) out.u32(this.#layout.reference(target));
    });
  }

  #code(): ByteWriter | null {
    const { module, caps, leaves, helpers, references, imageExports, positions } = this.#input;
    const edits = new EditList();
    const walker = new BodyWalker({ module, caps, leaves, edits, helpers, references });
    const range = module.sections.get(SECTION.code);
    const size = range === undefined ? 0 : range.end - range.content;
    const out = new ByteWriter(Math.ceil(size * 1.5) + 4096);
    const body = new ByteWriter(4096);
    const writer = new BodyWriter(this.#layout, edits, this.#hints, body, positions);
    for (let index = 0; index < module.bodies.length; index++) {
      const plan = walker.walk(index);
      if (references === 'threaded' && module.use.typedReferences) return null;
      this.#input.walked(plan);
      body.clear();
      this.#hints.begin(index);
      writer.write(plan);
      this.#hints.finish(this.#layout.function(module.imported.function + index), body.unlikely);
      this.#requireBodySize(body.length, plan.start);
      this.#requireCodeSize(out.length + body.length, plan.start);
      out.u32(body.length);
      positions?.body(module.imported.function + index, out.length);
      out.copy(body.bytes, 0, body.length);
    }
    positions?.end(out.length);
    this.#added = [
      refuelFunction(this.#layout),
      enterFunction(this.#layout),
      ...helpers.list.map((helper) => helperFunction(helper, this.#layout)),
      ...(imageExports?.globals ? imageFunctions(this.#layout) : []),
    ];
    for (const { body: added } of this.#added) {
      out.u32(added.length);
      out.copy(added, 0, added.length);
    }
    return out;
  }

  #requireCodeSize(bytes: number, offset: number): void {
    const { caps } = this.#input;
    if (bytes > caps.meteredCodeBytes) {
      throw beyondCap(caps, 'meteredCodeBytes', bytes, 'bytes in its metered functions', offset);
    }
  }

  #requireBodySize(bytes: number, offset: number): void {
    const { bodyBytes } = this.#input.caps;
    if (bytes > bodyBytes) {
      throw refusedSize('bytes in a metered function', 'bodyBytes', bytes, bodyBytes, offset);
    }
  }
}
