/** The world that an engine runs a guest in: the guest's own, and what the engine needs for its globals. */

import type { ComponentType, ExternType } from '../../wasm/component/types.ts';
import { WASI_VERSION } from '../build/wit-source.ts';
import type { ResolvedWorld } from '../wit/resolve-world.ts';
import type { Engine } from './engines.ts';

/** A world, and the text that has it. */
export interface EngineWorld extends Pick<ComponentType, 'imports' | 'exports'> {
  readonly name: string;
  readonly witSource: string;
}

/** The name of the world that includes the guest's; nobody's own may be called so. */
const NAME = 'ringfence-engine';

/** What `guest/quickjs.ts` imports. */
const FOR_QUICKJS = ['wasi:clocks/monotonic-clock', 'wasi:clocks/wall-clock', 'wasi:random/random'];

/** What `guest/sink-stderr.ts` imports, where there is no log. */
const WITHOUT_LOG = ['wasi:cli/stderr'];

/** The world with what is imported besides; all of it is granted to every agent. */
export function engineWorld(
  { world, witSource, worldName }: ResolvedWorld,
  engine: Engine,
): EngineWorld {
  const hasLog = [...world.imports.keys()].some((name) => name.startsWith('ringfence:agent/log@'));
  const added = [...(engine === 'quickjs' ? FOR_QUICKJS : []), ...(hasLog ? [] : WITHOUT_LOG)].map(
    (name) => `${name}@${WASI_VERSION}`,
  );
  const nothing: ExternType = { kind: 'instance', exports: new Map() };
  const text = [
    `world ${NAME} {`,
    `  include %${worldName};`,
    ...added.map((name) => `  import ${name};`),
    '}',
  ].join('\n');
  return {
    name: NAME,
    // The first line says which package the text is of.
    witSource: witSource.replace('\n', () => `\n${text}\n`),
    imports: new Map([...added.map((name) => [name, nothing] as const), ...world.imports]),
    exports: world.exports,
  };
}
