/** A prepared module, as the backend hands it to whoever runs its agents. */

import type { DeclaredMemory } from '../../resource/engine-room.ts';
import type { LinkPlan } from '../../wasm/component/plan.ts';

/** A module as the backend runs it. */
export interface WasmModule {
  readonly digest: string;
  readonly plan: LinkPlan;
  readonly compiled: readonly WebAssembly.Module[];
  /** What was compiled, metered: another process compiles it for itself. */
  readonly modules: readonly Uint8Array[];
  /** It counts nothing, so nothing but the end of its process ends it; `compiled` is empty. @default false */
  readonly isPlain?: boolean;
}

/** Memories that an agent of a module has. */
export const memoriesOf = (plan: LinkPlan): readonly DeclaredMemory[] =>
  plan.steps.flatMap((step) =>
    step.kind === 'instantiate' ? (plan.modules[step.module]?.memories ?? []) : [],
  );
