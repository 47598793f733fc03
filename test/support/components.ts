/** Components for tests: from text, from bytes put together by hand, and what planning needs of them. */

import { readFileSync } from 'node:fs';
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco';
import { RingfenceError } from '../../src/errors.ts';
import { type Offered, offeredWorld } from '../../src/wasm/component/offered.ts';
import { type LinkPlan, type PlannedModule, planComponent } from '../../src/wasm/component/plan.ts';
import { commandAdapter } from '../../src/wasm/component/prepare/tools.ts';
import { readComponent } from '../../src/wasm/component/reader.ts';
import { NO_FEATURES } from '../../src/wasm/metering/features.ts';

/** Binary of a text, component or core module. Nothing is validated by it. */
export async function binaryOf(text: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await parse(text));
}

/** What metering would tell of a core module, were nothing injected into it. */
export function unmetered(bytes: Uint8Array): PlannedModule {
  const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  return {
    bytes,
    injected: 'ringfence',
    startExport: null,
    image: null,
    memories: [],
    importsMemories: false,
    tables: [],
    legacyExceptions: false,
    segmentBytes: 0,
    features: NO_FEATURES,
    types: 0,
    imports: WebAssembly.Module.imports(module),
    exports: WebAssembly.Module.exports(module),
  };
}

const OFFERED: Offered = offeredWorld();

/** The plan of a component whose core modules are not metered. */
export function planOf(bytes: Uint8Array): LinkPlan {
  const component = readComponent(bytes);
  return planComponent(
    component,
    OFFERED,
    component.modules.map((module) => unmetered(module.bytes)),
  );
}

export async function planOfText(text: string): Promise<LinkPlan> {
  return planOf(await binaryOf(text));
}

/** The compiled core modules of a component, as they are in it. */
export function compiledModules(bytes: Uint8Array): WebAssembly.Module[] {
  return readComponent(bytes).modules.map(
    (module) => new WebAssembly.Module(module.bytes as Uint8Array<ArrayBuffer>),
  );
}

const AGENT_WIT = new URL('../../wit/agent.wit', import.meta.url);

/** An agent of the world in wit/agent.wit, from the text of its core module. */
export async function agentComponent(coreText: string): Promise<Uint8Array<ArrayBuffer>> {
  const embedded = await componentEmbed({
    binary: await parse(coreText),
    witSource: readFileSync(AGENT_WIT, 'utf8'),
    world: 'agent',
  });
  return new Uint8Array(await componentNew(embedded, []));
}

/** A wasip1 command as a component, by jco's adapter. */
export async function adaptedCommand(coreText: string): Promise<Uint8Array<ArrayBuffer>> {
  const adapters: [string, Uint8Array][] = [['wasi_snapshot_preview1', commandAdapter()]];
  const adapted = await componentNew(await parse(coreText), adapters);
  return new Uint8Array(adapted);
}

/** What the last definitions of a component must be for it to be an agent that does nothing. */
export const RUNS = `
  (core module $runs (memory (export "memory") 1) (func (export "run") (result i32) i32.const 0))
  (core instance $run-instance (instantiate $runs))
  (func (export "run") (result (result (error string)))
    (canon lift (core func $run-instance "run") (memory (core memory $run-instance "memory"))))`;

/** A component of definitions, that can be started. */
export function runnable(definitions: string): string {
  return `(component ${definitions} ${RUNS})`;
}

/** The RingfenceError that something throws; fails where it throws none or another. */
export function refusalOf(act: () => unknown): RingfenceError {
  try {
    act();
  } catch (error) {
    if (error instanceof RingfenceError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** An unsigned LEB128 number. */
export function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const byte = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? byte | 0x80 : byte);
  } while (rest > 0);
  return bytes;
}

/** A length and the bytes of a name. */
export function nameBytes(name: string): number[] {
  const bytes = [...new TextEncoder().encode(name)];
  return [...leb(bytes.length), ...bytes];
}

const COMPONENT_PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];

/** A component of sections, each an id and its content. */
export function sectionsOf(
  ...sections: readonly (readonly [number, readonly number[]])[]
): Uint8Array<ArrayBuffer> {
  const bytes = [...COMPONENT_PREAMBLE];
  for (const [id, content] of sections) {
    bytes.push(id, ...leb(content.length));
    for (const byte of content) bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}
