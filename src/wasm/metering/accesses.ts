/** Instructions that name a local, a global, a function, a memory or a table. */

import { EDIT } from './edits.ts';
import type { Helper } from './helpers.ts';
import { requireMemory, requireSegment, requireTable } from './index-spaces.ts';
import { IMMEDIATE, type Instruction, OPCODE } from './instructions.ts';
import { ADDED_PARAMETERS } from './references.ts';
import { invalid } from './refusals.ts';
import type { WalkedBody } from './walked-body.ts';

/** What accesses mean to the body that is walked over. */
export class Accesses {
  readonly #body: WalkedBody;

  constructor(body: WalkedBody) {
    this.#body = body;
  }

  /** `ref.func`. */
  function(instruction: Instruction): void {
    const body = this.#body;
    const { reader, module, edits, helpers, leaves, threads } = body;
    const indexAt = reader.position;
    const index = reader.u32();
    if (index >= module.functions.length) throw invalid(`there is no function ${index}`, indexAt);
    if (threads) {
      helpers.needReference(module, leaves, index, indexAt);
      helpers.declare(index);
    }
    edits.add(EDIT.referenceIndex, indexAt, reader.position, index);
    body.apply(instruction);
  }

  /** Of memories and tables: those that take as long as they are asked to are replaced. */
  memoryOrTable(instruction: Instruction, at: number): void {
    const body = this.#body;
    const helper = this.#readHelper(instruction);
    if (helper) body.replaceByHelper(helper, at);
    if (helper?.kind.startsWith('table.') || instruction.code === OPCODE.tableSet) {
      body.leavesTraces = true;
    }
    body.apply(instruction);
  }

  local(code: number, at: number): void {
    const body = this.#body;
    const indexAt = body.reader.position;
    const index = body.reader.u32();
    if (index >= body.locals.count) throw invalid(`there is no local ${index}`, at);
    if (body.threads && !body.leaf && index >= body.type.parameters.length) {
      body.edits.add(EDIT.local, indexAt, body.reader.position, index + ADDED_PARAMETERS);
    }
    if (code !== OPCODE.localGet) body.pop();
    if (code !== OPCODE.localSet) body.push(body.locals.slotsOf(index));
  }

  global(code: number): void {
    const body = this.#body;
    const at = body.reader.position;
    const index = body.reader.u32();
    const slots = body.module.globals[index];
    if (slots === undefined) throw invalid(`there is no global ${index}`, at);
    if (index >= body.module.imported.global) {
      body.edits.add(EDIT.globalIndex, at, body.reader.position, index);
    }
    if (code === OPCODE.globalSet) body.pop();
    else body.push(slots);
  }

  /** Reads the immediates of memory and table instructions; answers the helper that replaces it, if any. */
  #readHelper({ code, immediate }: Instruction): Helper | null {
    const body = this.#body;
    switch (immediate) {
      case IMMEDIATE.memory: {
        const memory = requireMemory(body);
        if (code === OPCODE.memoryGrow) return { kind: 'memory.grow', memory };
        return code === OPCODE.memoryFill ? { kind: 'memory.fill', memory } : null;
      }
      case IMMEDIATE.memoryCopy: {
        const destination = requireMemory(body);
        return { kind: 'memory.copy', destination, source: requireMemory(body) };
      }
      case IMMEDIATE.memoryInit: {
        const segment = requireSegment(body, body.module.dataSegments.length);
        return { kind: 'memory.init', segment, memory: requireMemory(body) };
      }
      case IMMEDIATE.tableCopy: {
        const destination = requireTable(body);
        return { kind: 'table.copy', destination, source: requireTable(body) };
      }
      case IMMEDIATE.tableInit: {
        const segment = requireSegment(body, body.module.elementSegments.length);
        return { kind: 'table.init', segment, table: requireTable(body) };
      }
      default: {
        const table = requireTable(body);
        if (code === OPCODE.tableGrow) return { kind: 'table.grow', table };
        return code === OPCODE.tableFill ? { kind: 'table.fill', table } : null;
      }
    }
  }
}
