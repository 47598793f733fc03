/** The presets: sets of grants with a name. */

import type { GrantKind, Scopes } from './grant.ts';

/** Names of tools that run a shell's command, as the reference lists them. */
export const SHELL_TOOLS: readonly string[] = [
  'shell_exec',
  'exec_shell',
  'bash',
  'command',
  'run_command',
];

/** Children that the preset `standard` allows to live at a time. */
export const STANDARD_SPAWN_COUNT = 64;

/** Generations below an agent of the preset `standard`, and of JSON that was written for the reference. */
export const STANDARD_SPAWN_DEPTH = 8;

/** May receive, and send to nobody. */
export const RECEIVE_ONLY: Scopes['ipc'] = {
  pids: new Set<number>(),
  parent: false,
  topics: new Set<string>(),
};

type Preset = {
  readonly [Kind in Exclude<GrantKind, 'files' | 'clocks' | 'random'>]?: Scopes[Kind];
};

/** What is in each preset, beside the clocks and random numbers that everybody has. */
export const PRESETS: Readonly<Record<'none' | 'browser' | 'standard', Preset>> = {
  none: {},
  // The reference's preset for untrusted agents: messages to nobody yet named, tools, nothing else.
  browser: {
    ipc: RECEIVE_ONLY,
    tools: { allow: 'all', deny: new Set(SHELL_TOOLS) },
  },
  // The reference's defaults.
  standard: {
    ipc: { pids: 'all', parent: true, topics: 'all' },
    tools: { allow: 'all', deny: new Set(SHELL_TOOLS) },
    services: { names: 'all' },
    spawn: { count: STANDARD_SPAWN_COUNT, modules: 'all', depth: STANDARD_SPAWN_DEPTH },
  },
};
