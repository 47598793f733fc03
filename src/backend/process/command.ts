/** The command line of an agent's process: Node with the least rights, within the walls there are. */

import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NOBODY, NODE_INSIDE, RINGFENCE_INSIDE, sandboxArguments } from './sandbox.ts';
import type { WallPlan } from './walls.ts';

/** Descriptors of the process, and of bubblewrap before it. */
export const FD = { frames: 3, info: 4, filter: 5 } as const;

/** What to start, and how. */
export interface ChildCommand {
  readonly file: string;
  readonly arguments: readonly string[];
  /** Descriptors that are pipes to us. */
  readonly pipes: readonly number[];
  /** Written to {@link FD.filter}. */
  readonly filter: Uint8Array | null;
  /** Bubblewrap is started, and starts the process. */
  readonly wrapped: boolean;
}

/** The directory of our code, whether from source or as it was built: this file is in backend/process. */
const CODE = fileURLToPath(new URL('../../', import.meta.url));
const PACKAGE = dirname(CODE);
/** Says that our files are modules. */
const MANIFEST = 'package.json';

/** The program of the process. */
export const CHILD_ENTRY = join(
  CODE,
  `wasm/worker/child/entry.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`,
);

/** Memory for JavaScript objects of the process, in MiB: what the host holds for one agent. */
const HEAP_MIB = 512;

const nodeFlags = (readable: readonly string[]): string[] => [
  // No file but these is read, none written, no process started, no address reached, no addon loaded.
  '--permission',
  ...readable.map((path) => `--allow-fs-read=${path}`),
  '--no-addons',
  '--disable-sigusr1',
  '--disallow-code-generation-from-strings',
  `--max-old-space-size=${HEAP_MIB}`,
  // For the account of objects that a guest makes: garbage is none of them.
  '--expose-gc',
  '--disable-warning=ExperimentalWarning',
];

const BECOME_NOBODY: readonly string[] = ['--reuid', NOBODY, '--regid', NOBODY, '--clear-groups'];

/**
 * The command that limits a process of this plan, before its arguments; null: there is none. It runs as
 * whom the process is: in a container root may lack what it takes to limit another's.
 */
export function limitingCommand(plan: WallPlan): readonly string[] | null {
  if (plan.prlimit === null) {
    return null;
  }
  return plan.setpriv !== null && plan.asNobody
    ? [plan.setpriv, ...BECOME_NOBODY, '--', plan.prlimit]
    : [plan.prlimit];
}

/** The command that starts `entry`, a file of ours, within the walls of a plan. */
export function childCommand(plan: WallPlan, entry: string = CHILD_ENTRY): ChildCommand {
  return plan.bwrap === null ? plainCommand(plan, entry) : wrappedCommand(plan, plan.bwrap, entry);
}

function plainCommand(plan: WallPlan, entry: string): ChildCommand {
  const readable = [CODE, join(PACKAGE, MANIFEST), ...(entry.startsWith(CODE) ? [] : [entry])];
  const node = [...nodeFlags(readable), entry];
  const common = { pipes: [FD.frames], filter: null, wrapped: false };
  if (plan.setpriv === null) {
    return { ...common, file: process.execPath, arguments: node };
  }
  const less = [
    '--no-new-privs',
    ...['--pdeathsig', 'KILL'],
    '--inh-caps=-all',
    // Only root has capabilities to lose.
    ...(process.getuid?.() === 0 ? ['--bounding-set=-all'] : []),
    ...(plan.asNobody ? BECOME_NOBODY : []),
  ];
  return { ...common, file: plan.setpriv, arguments: [...less, '--', process.execPath, ...node] };
}

function wrappedCommand(plan: WallPlan, bwrap: string, entry: string): ChildCommand {
  const code = [CODE, join(PACKAGE, MANIFEST), ...(entry.startsWith(CODE) ? [] : [entry])];
  const inside = (path: string): string =>
    join(RINGFENCE_INSIDE, relative(PACKAGE, path).split(sep).join('/'));
  const sandbox = sandboxArguments({
    code: code.map((path) => [path, relative(PACKAGE, path)]),
    infoFd: FD.info,
    filterFd: plan.filter === null ? null : FD.filter,
  });
  // Before bubblewrap, not within: whose it is outside of the namespace is what the system counts by.
  const nobody =
    plan.setpriv !== null && plan.asNobody
      ? [plan.setpriv, ...BECOME_NOBODY, '--', bwrap]
      : [bwrap];
  const [file = bwrap, ...before] = nobody;
  return {
    file,
    arguments: [
      ...before,
      ...sandbox,
      NODE_INSIDE,
      ...nodeFlags([`${RINGFENCE_INSIDE}/`]),
      inside(entry),
    ],
    pipes: [FD.frames, FD.info, ...(plan.filter === null ? [] : [FD.filter])],
    filter: plan.filter,
    wrapped: true,
  };
}
