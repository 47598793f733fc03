/** Builds agents that use the SDK, out of source that stands in a test. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileAssemblyScript } from '../../../src/kit/assemblyscript/compile.ts';
import { componentFromCore } from '../../../src/kit/build/make-component.ts';
import { resolveWorld } from '../../../src/kit/wit/resolve-world.ts';

/** What an agent of the contract imports, and nothing else. */
export const AGENT_WIT = `package my:agent;
world agent { include ringfence:agent/agent@0.1.0; }`;

/**
 * The component of an agent.
 *
 * @param folder - Of the test; the agent gets one in it.
 */
export async function buildAgent(
  folder: string,
  name: string,
  source: string,
  wit: string = AGENT_WIT,
): Promise<Uint8Array> {
  const base = join(folder, name);
  mkdirSync(base);
  const file = join(base, 'agent.ts');
  writeFileSync(file, source);
  const world = await resolveWorld({ root: [{ name: 'agent.wit', text: wit }], deps: [] });
  const bindings = join(base, 'bindings');
  const { core } = await compileAssemblyScript({ file, world, folder: bindings, base });
  const { worldName, witSource } = world;
  return componentFromCore(core, { world: worldName, stringEncoding: 'utf16', witSource, file });
}
