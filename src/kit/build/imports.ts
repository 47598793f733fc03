/** What a component that was just built imports: for who wants to see at a glance what it asks of its host. */

import { readComponent } from '../../wasm/component/reader.ts';

/**
 * The names of a component's imports, in their order: `wasi:io/streams@0.2.12`.
 *
 * @throws {RingfenceError} `RF_MODULE_INVALID`, `RF_MODULE_REFUSED` as `readComponent`
 */
export function importNames(component: Uint8Array): string[] {
  const { definitions } = readComponent(component);
  return definitions.flatMap((each) => (each.kind === 'import' ? [each.name] : []));
}
