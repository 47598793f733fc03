/**
 * What AssemblyScript's library expects of a JavaScript host, and where a world without one has it: `console`,
 * `abort` and `trace` go to the log or to WASI's streams, `Math.random`, `Date.now` and `performance.now` ask
 * WASI.
 */

import { readFileSync } from 'node:fs';

/** A module of the runtime: the files that it may come from, the first of which all needs are there being taken. */
interface Routed {
  readonly path: string;
  readonly choices: readonly (readonly [file: string, needs: readonly string[]])[];
}

/** The module with `console`, `abort` and `trace`, which each world has. */
const GLOBALS = 'wit/globals';
/** What `trace` prints, for those globals that print it. */
const TRACE = 'wit/trace';
const SEED = 'wit/seed';
const WALL_CLOCK = 'wit/wall-clock';
const MONOTONIC_CLOCK = 'wit/monotonic-clock';

const ROUTED: readonly Routed[] = [
  {
    path: GLOBALS,
    choices: [
      ['globals-log.as', ['ringfence/agent/log']],
      ['globals-stdio.as', ['wasi/cli/stdout', 'wasi/cli/stderr', 'wasi/io/streams']],
      ['globals-none.as', []],
    ],
  },
  {
    path: SEED,
    choices: [
      ['seed-random.as', ['wasi/random/random']],
      ['seed-insecure.as', ['wasi/random/insecure']],
    ],
  },
  { path: WALL_CLOCK, choices: [['wall-clock.as', ['wasi/clocks/wall-clock']]] },
  { path: MONOTONIC_CLOCK, choices: [['monotonic-clock.as', ['wasi/clocks/monotonic-clock']]] },
];

/** What the library asks a JavaScript host for, and the interface that has it instead. */
const REMEDIES: ReadonlyMap<string, readonly [called: string, wanted: string]> = new Map([
  ['seed', ['Math.random', 'wasi:random/random']],
  ['Date.now', ['Date.now', 'wasi:clocks/wall-clock']],
  ['performance.now', ['performance.now', 'wasi:clocks/monotonic-clock']],
]);

/** Modules of the library that import the host's clocks from `~lib/bindings/dom`, and where they find them. */
const CLOCKS: ReadonlyMap<string, string> = new Map([
  ['~lib/date', WALL_CLOCK],
  ['~lib/performance', MONOTONIC_CLOCK],
]);
const HOST_MODULE = '~lib/bindings/dom';

/**
 * The modules that the library is routed to, by path.
 *
 * @param paths - The modules of the world's bindings.
 */
export function libraryModules(paths: ReadonlySet<string>): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const { path, choices } of ROUTED) {
    const chosen = choices.find(([, needs]) => needs.every((each) => paths.has(each)));
    if (chosen !== undefined) texts.set(path, runtime(chosen[0]));
  }
  if (texts.get(GLOBALS)?.includes(TRACE)) texts.set(TRACE, runtime('trace.as'));
  // The entry imports the globals; what it does not import itself it has to find by them.
  const others = [SEED, WALL_CLOCK, MONOTONIC_CLOCK].filter((path) => texts.has(path));
  const imports = others.map((path) => `import '${path}';\n`).join('');
  texts.set(GLOBALS, `${imports}${texts.get(GLOBALS)}`);
  return texts;
}

/** The compiler's options that have globals found in these modules. */
export function libraryOptions(has: (path: string) => boolean): readonly string[] {
  const globals = ['abort', 'console', 'trace'].map((name) => [name, GLOBALS] as const);
  const uses = has(SEED) ? [...globals, ['seed', SEED] as const] : globals;
  return uses.flatMap(([name, path]) => ['--use', `${name}=~lib/${path}/${name}`]);
}

/** As much as is looked at of a source that the compiler has read. */
interface Source {
  readonly internalPath: string;
  readonly statements: readonly { internalPath?: string }[];
}

/** A transform of the compiler that has the library's clocks found in these modules. */
export function clocksTransform(has: (path: string) => boolean) {
  return {
    afterParse({ sources }: { readonly sources: readonly Source[] }): void {
      for (const { internalPath, statements } of sources) {
        const path = CLOCKS.get(internalPath);
        if (path === undefined || !has(path)) continue;
        for (const each of statements) {
          if (each.internalPath === HOST_MODULE) each.internalPath = `~lib/${path}`;
        }
      }
    },
  };
}

/** Why a guest can't have what it takes from a JavaScript host, and what to do. */
export function describeHostGlobal(name: string): string {
  const [called, wanted] = REMEDIES.get(name) ?? [];
  return called === undefined
    ? `'${name}' of AssemblyScript's library needs a JavaScript host: use what the imported interfaces offer instead.`
    : `'${called}' needs the world to import ${wanted}.`;
}

function runtime(file: string): string {
  return readFileSync(new URL(`runtime/${file}`, import.meta.url), 'utf8');
}
