/** Writes the metered module: the sections with their indices shifted, the bodies with their charges. */

import type { MeterCaps } from './caps.ts';
import { CHARGE_CHECKED, CHARGE_RESTORE, EDIT, EDIT_KIND_MASK, type EditList } from './edits.ts';
import { emitCharge, emitEnter, emitLeave, emitPoll, emitRestore, OP } from './emit.ts';
import type { FunctionPlan } from './function-body.ts';
import type { HelperSet } from './helpers.ts';
import { helperFunction, type InjectedFunction, refuelFunction } from './injected.ts';
import { INJECTED_FUNCTIONS, INJECTED_GLOBALS, Layout } from './layout.ts';
import { type DecodedModule, SECTION, SECTION_ORDER } from './module.ts';
import { refusedSize } from './refusals.ts';
import { encodeValueType, VALUE } from './value-types.ts';
import { ByteWriter } from './writer.ts';

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const KIND_FUNCTION = 0;
const KIND_GLOBAL = 3;
const MUTABLE = 1;
/** An element segment that only declares functions as referenced. */
const DECLARATIVE_ELEMENTS = 3;

/** What the rewriter is given: the decoded module, and what the walks over its bodies found. */
export interface RewriteInput {
  readonly module: DecodedModule;
  readonly plans: readonly FunctionPlan[];
  readonly edits: EditList;
  readonly helpers: HelperSet;
  readonly caps: MeterCaps;
  /** The import module name of what is injected. */
  readonly injected: string;
  /** The export name of the start function; null: there is none. */
  readonly startExport: string | null;
}

/** Writes the module. */
export function rewrite(input: RewriteInput): Uint8Array<ArrayBuffer> {
  return new Rewriter(input).write();
}

class Rewriter {
  readonly #input: RewriteInput;
  readonly #layout: Layout;
  readonly #out: ByteWriter;
  readonly #added: InjectedFunction[];

  constructor(input: RewriteInput) {
    this.#input = input;
    this.#layout = new Layout(input.module, input.helpers);
    this.#out = new ByteWriter(input.module.bytes.length * 2 + 1024);
    this.#added = [
      refuelFunction(this.#layout),
      ...input.helpers.list.map((helper) => helperFunction(helper, this.#layout)),
    ];
    // Types are written before the bodies that need them.
    for (const plan of input.plans) if (plan.frameBytes > 0) this.#resultBlock(plan);
    for (const { parameters, results } of INJECTED_FUNCTIONS) {
      this.#layout.types.of(parameters, results);
    }
  }

  write(): Uint8Array<ArrayBuffer> {
    this.#out.raw(...HEADER);
    for (const id of SECTION_ORDER) {
      const content = this.#section(id);
      if (content !== null) this.#out.section(id, content);
    }
    return this.#out.bytes.slice();
  }

  #section(id: number): ByteWriter | null {
    const { startExport } = this.#input;
    switch (id) {
      case SECTION.type:
        return this.#extended(id, this.#layout.types.encoded.length, (out) => {
          for (const encoded of this.#layout.types.encoded) out.raw(...encoded);
        });
      case SECTION.import:
        return this.#extended(id, INJECTED_FUNCTIONS.length + INJECTED_GLOBALS.length, (out) =>
          this.#writeImports(out),
        );
      case SECTION.function:
        return this.#extended(id, this.#added.length, (out) => {
          for (const { type } of this.#added) out.u32(type);
        });
      case SECTION.export:
        return startExport === null
          ? this.#extended(id, 0, () => {})
          : this.#extended(id, 1, (out) => this.#writeStartExport(out, startExport));
      case SECTION.start:
        return null;
      case SECTION.element:
        return this.#elements();
      case SECTION.code:
        return this.#code();
      default:
        return this.#extended(id, 0, () => {});
    }
  }

  /** A section as it was, its indices shifted, with `more` items after its own; null: it has none. */
  #extended(id: number, more: number, write: (out: ByteWriter) => void): ByteWriter | null {
    const { module } = this.#input;
    const range = module.sections.get(id);
    if (range === undefined && more === 0) return null;
    const out = new ByteWriter(range === undefined ? 64 : range.end - range.content + 64);
    out.u32((range?.count ?? 0) + more);
    if (range !== undefined) this.#copyShifted(out, id, range.items, range.end);
    write(out);
    return out;
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
    else out.u32(this.#layout.function(index));
  }

  #writeImports(out: ByteWriter): void {
    const { injected } = this.#input;
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
  }

  #writeStartExport(out: ByteWriter, name: string): void {
    out.name(name);
    out.u8(KIND_FUNCTION);
    out.u32(this.#layout.reference(this.#input.module.start!));
  }

  /** References to wrappers must be declared: their functions may have been by an export only. */
  #elements(): ByteWriter | null {
    const wrappers = this.#input.helpers.list.filter(({ kind }) => kind === 'wrapper');
    if (wrappers.length === 0) return this.#extended(SECTION.element, 0, () => {});
    return this.#extended(SECTION.element, 1, (out) => {
      out.raw(DECLARATIVE_ELEMENTS, 0);
      out.u32(wrappers.length);
      for (const wrapper of wrappers) out.u32(this.#layout.helper(wrapper));
    });
  }

  #code(): ByteWriter {
    const { plans, module } = this.#input;
    const out = new ByteWriter(module.bytes.length * 2 + 1024);
    out.u32(plans.length + this.#added.length);
    const body = new ByteWriter(4096);
    for (const plan of plans) {
      body.clear();
      this.#writeBody(body, plan);
      this.#requireBodySize(body.length, plan.start);
      out.u32(body.length);
      out.copy(body.bytes, 0, body.length);
    }
    for (const { body: added } of this.#added) {
      out.u32(added.length);
      out.copy(added, 0, added.length);
    }
    return out;
  }

  #requireBodySize(bytes: number, offset: number): void {
    const { bodyBytes } = this.#input.caps;
    if (bytes > bodyBytes) {
      throw refusedSize('bytes in a metered function', 'bodyBytes', bytes, bodyBytes, offset);
    }
  }

  #writeBody(out: ByteWriter, plan: FunctionPlan): void {
    const { bytes } = this.#input.module;
    const counted = plan.frameBytes > 0;
    out.u32(plan.localGroups + (counted ? 1 : 0));
    out.copy(bytes, plan.localsStart, plan.codeStart);
    if (!counted) {
      this.#writeCode(out, plan, plan.end);
      return;
    }
    // The local after the function's own keeps the depth of this frame.
    out.raw(1, VALUE.i32);
    emitEnter(out, this.#layout, plan.frameBytes, plan.locals);
    // Branches to the function's label come out of this block, in front of what gives the frame back.
    out.u8(OP.block);
    this.#writeBlockType(out, plan);
    this.#writeCode(out, plan, plan.end);
    emitLeave(out, this.#layout, plan.frameBytes, plan.locals);
    out.u8(OP.end);
  }

  #resultBlock(plan: FunctionPlan): number | null {
    const { results } = this.#input.module.types[plan.type]!;
    return results.length > 1 ? this.#layout.types.of([], results) : null;
  }

  #writeBlockType(out: ByteWriter, plan: FunctionPlan): void {
    const index = this.#resultBlock(plan);
    const [result] = this.#input.module.types[plan.type]!.results;
    if (index !== null) out.signed(index);
    else if (result === undefined) out.u8(OP.emptyBlock);
    else out.raw(...encodeValueType(result));
  }

  #writeCode(out: ByteWriter, plan: FunctionPlan, end: number): void {
    const { edits, module } = this.#input;
    let position = plan.codeStart;
    for (let edit = plan.firstEdit; edit < plan.lastEdit; edit++) {
      out.copy(module.bytes, position, edits.at(edit));
      this.#writeEdit(out, plan, edits.kind(edit), edits.value(edit));
      position = edits.resume(edit);
    }
    out.copy(module.bytes, position, end);
  }

  #writeEdit(out: ByteWriter, plan: FunctionPlan, flaggedKind: number, value: number): void {
    const layout = this.#layout;
    const counted = plan.frameBytes > 0;
    switch (flaggedKind & EDIT_KIND_MASK) {
      case EDIT.charge:
        if (counted && flaggedKind & CHARGE_RESTORE) emitRestore(out, layout, plan.locals);
        if (value > 0) emitCharge(out, layout, value);
        if (flaggedKind & CHARGE_CHECKED) emitPoll(out, layout);
        return;
      case EDIT.poll:
        emitPoll(out, layout);
        return;
      case EDIT.return:
        if (counted) {
          out.u8(OP.br);
          out.u32(value);
        } else {
          out.u8(OP.return);
        }
        return;
      case EDIT.leave:
        if (counted) emitLeave(out, layout, plan.frameBytes, plan.locals);
        return;
      case EDIT.helper:
        out.u8(OP.call);
        out.u32(layout.helperNumber(value));
        return;
      case EDIT.skip:
        return;
      default:
        this.#writeIndex(out, flaggedKind & EDIT_KIND_MASK, value);
    }
  }
}
