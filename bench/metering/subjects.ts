/** The ways to run a module that are compared: as it is, metered, and metered without preemption. */

import { meter } from '../../src/wasm/metering/meter.ts';
import { MeteringHost } from './host.ts';

/** An instance whose exports can be called. */
export interface Running {
  readonly exports: Readonly<Record<string, unknown>>;
  call(name: string, ...args: readonly number[]): unknown;
  /** Fuel used until now; null: it isn't counted. */
  unitsUsed(): number | null;
}

/** A module made ready for one way of running it; it is compiled by whoever runs it. */
export interface Build {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Makes an instance, its start function done. */
  instantiate(module: WebAssembly.Module, imports: WebAssembly.Imports): Promise<Running>;
}

/** A way to run a module. */
export interface Subject {
  readonly name: string;
  build(bytes: Uint8Array<ArrayBuffer>): Build;
}

// biome-ignore lint/complexity/noBannedTypes: exports have whatever signature they have.
type Exports = Record<string, Function>;

/** A module as it is. */
export const PLAIN: Subject = {
  name: 'plain',
  build: (bytes) => ({
    bytes,
    async instantiate(module, imports) {
      const exports = new WebAssembly.Instance(module, imports).exports as Exports;
      return {
        exports,
        call: (name, ...args) => exports[name]!(...args),
        unitsUsed: () => null,
      };
    },
  }),
};

function meteredSubject(name: string, preemption: boolean): Subject {
  return {
    name,
    build(bytes) {
      const metered = meter(bytes);
      return {
        bytes: metered.bytes,
        async instantiate(module, imports) {
          const host = new MeteringHost({ preemption });
          const exports = new WebAssembly.Instance(module, {
            ...imports,
            [metered.injected]: host.imports(),
          } as WebAssembly.Imports).exports as Exports;
          const call = (name: string, ...args: readonly number[]): unknown => {
            host.beforeCall();
            const exported = exports[name]!;
            return preemption ? WebAssembly.promising(exported)(...args) : exported(...args);
          };
          if (metered.startExport !== null) {
            await call(metered.startExport);
          }
          return { exports, call, unitsUsed: () => host.unitsUsed() };
        },
      };
    },
  };
}

/** In slices, suspended and resumed: how agents run. */
export const METERED = meteredSubject('metered', true);

/** The end of fuel is a trap, nothing suspends. */
export const TRAP_ONLY = meteredSubject('trap-only', false);

/** The part's columns, in the order of its rows; all are compared with the first. */
export const SUBJECTS: readonly Subject[] = [PLAIN, METERED, TRAP_ONLY];
