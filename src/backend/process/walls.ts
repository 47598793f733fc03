/** The walls around an agent's process that this machine has, and how their state is told. */

import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { type FilteredArchitecture, seccompProgram } from './seccomp.ts';

/** What is in force around each agent's process of a kernel. */
export interface ProcessWalls {
  /** Node's permission model: no file, address, process, addon or thread through Node's own API. */
  readonly permissions: true;
  /** bubblewrap: no network, no other process, no capability, no file but Node's and ringfence's code. */
  readonly namespaces: boolean;
  /** seccomp: the system calls that Node does not need are refused. */
  readonly systemCalls: boolean;
  /** prlimit: memory, CPU time, descriptors, threads and file size are limited by the system. */
  readonly resourceLimits: boolean;
  /** What is missing, and what to do about it: one sentence each. */
  readonly missing: readonly string[];
}

/** Programs of the system; null: it isn't there. */
export interface WallTools {
  readonly bwrap: string | null;
  readonly prlimit: string | null;
  readonly setpriv: string | null;
}

/** Where programs of the system are. Never the PATH: who can write to it would stand in for a wall. */
export const TOOL_DIRECTORIES: readonly string[] = [
  '/usr/bin',
  '/bin',
  '/usr/sbin',
  '/run/wrappers/bin',
  '/run/current-system/sw/bin',
];

/** Finds what there is. Nothing elsewhere than on Linux. */
export function findTools(directories: readonly string[] = TOOL_DIRECTORIES): WallTools {
  const find = (name: string): string | null => {
    if (process.platform !== 'linux') {
      return null;
    }
    const file = directories.map((directory) => join(directory, name)).find(isExecutable);
    return file ?? null;
  };
  return { bwrap: find('bwrap'), prlimit: find('prlimit'), setpriv: find('setpriv') };
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What one process is started within. */
export interface WallPlan {
  readonly bwrap: string | null;
  /** The filter of system calls; only with bubblewrap, which installs it. */
  readonly filter: Uint8Array | null;
  /**
   * Without bubblewrap: no new privilege, no capability, and the end of the program is its end. With
   * it only to become nobody's.
   */
  readonly setpriv: string | null;
  /**
   * By it, a process that root starts is nobody's. Linux counts no threads of root's, whatever the
   * limit and whatever the user is called inside of the namespace.
   */
  readonly asNobody: boolean;
  readonly prlimit: string | null;
}

const isRoot = (): boolean => process.getuid?.() === 0;

const isFiltered = (architecture: string): architecture is FilteredArchitecture =>
  architecture === 'x64' || architecture === 'arm64';

/** The ways to start a process, the strongest first; the first that works is taken. */
export function wallPlans(tools: WallTools): readonly WallPlan[] {
  const { bwrap, prlimit, setpriv } = tools;
  const bare = { bwrap: null, filter: null, setpriv: null, asNobody: false, prlimit };
  const nobody = setpriv !== null && isRoot() ? [{ setpriv, asNobody: true }] : [];
  const plans: WallPlan[] = [];
  if (bwrap !== null) {
    const filters = isFiltered(process.arch) ? [seccompProgram(process.arch), null] : [null];
    for (const filter of filters) {
      plans.push(...[...nobody, {}].map((less) => ({ ...bare, bwrap, filter, ...less })));
    }
  }
  plans.push(...nobody.map((less) => ({ ...bare, ...less })));
  if (setpriv !== null) {
    plans.push({ ...bare, setpriv });
  }
  plans.push(bare);
  return [...plans, ...(prlimit === null ? [] : [{ ...bare, prlimit: null }])];
}

/** What a plan amounts to; `failed` says why a stronger one did not work. */
export function wallsOf(plan: WallPlan, tools: WallTools, failed: string | null): ProcessWalls {
  const missing: string[] = [];
  const because = failed === null ? '' : ` (${failed})`;
  if (plan.bwrap === null) {
    missing.push(
      tools.bwrap === null
        ? 'bubblewrap is not there: install the package bubblewrap (Linux only)'
        : `bubblewrap does not work here${because}: allow user namespaces`,
    );
  }
  if (plan.filter === null) {
    missing.push(
      plan.bwrap === null
        ? 'no filter of system calls, which needs bubblewrap'
        : `no filter of system calls for this machine${because}`,
    );
  }
  if (plan.prlimit === null) {
    missing.push('prlimit is not there: install the package util-linux (Linux only)');
  }
  if (plan.bwrap !== null && isRoot() && !plan.asNobody) {
    missing.push(
      tools.setpriv === null
        ? "its threads are not counted, as it is root's: install the package util-linux"
        : `its threads are not counted, as it is root's${because}: install Node and ringfence where every user can read them, or run the program as another user`,
    );
  }
  return Object.freeze({
    permissions: true,
    namespaces: plan.bwrap !== null,
    systemCalls: plan.filter !== null,
    resourceLimits: plan.prlimit !== null,
    missing,
  });
}
