/**
 * Modules that stand between JavaScript and an export, so that every bit of a value is seen: numbers and
 * vectors cross as integers, references as what they are.
 */

import { wat } from '../metering/wat.ts';

/** The type of an export, where the engine tells it. */
export interface ExportType {
  readonly name: string;
  readonly kind: WebAssembly.ExportValue | string;
  readonly type?: {
    readonly parameters?: readonly string[];
    readonly results?: readonly string[];
    readonly value?: string;
    readonly mutable?: boolean;
  };
}

/** Types of an adapter's exported function, or null where an export is used as it is. */
export interface Signature {
  readonly parameters: readonly string[];
  readonly results: readonly string[];
}

/** By {@link keyOf}; null: there can be no adapter. */
export type Adapters = ReadonlyMap<string, WebAssembly.Module | null>;

/** How JavaScript gets one value: as these types, made by this code from `$value`. */
interface Crossing {
  readonly types: readonly string[];
  readonly lower: readonly string[];
  readonly lift: (...parts: string[]) => string;
}

const asItIs = (type: string): Crossing => ({
  types: [type],
  lower: [''],
  lift: (part) => part,
});

const isNull: Crossing = {
  types: ['i32'],
  lower: ['(ref.is_null)'],
  lift: () => '(ref.null exn)',
};

const NUMBERS: Readonly<Record<string, Crossing>> = {
  i32: asItIs('i32'),
  i64: asItIs('i64'),
  f32: {
    types: ['i32'],
    lower: ['(i32.reinterpret_f32)'],
    lift: (part) => `(f32.reinterpret_i32 ${part})`,
  },
  f64: {
    types: ['i64'],
    lower: ['(i64.reinterpret_f64)'],
    lift: (part) => `(f64.reinterpret_i64 ${part})`,
  },
  v128: {
    types: ['i64', 'i64'],
    lower: ['(i64x2.extract_lane 0)', '(i64x2.extract_lane 1)'],
    lift: (low, high) => `(i64x2.replace_lane 1 (i64x2.splat ${low}) ${high})`,
  },
};

/** Numbers, vectors and references to what has no index. Others belong to one module only. */
function crossingOf(type: string): Crossing | null {
  if (/\d/.test(type)) return NUMBERS[type] ?? null;
  if (/exn/.test(type)) return isNull;
  return /^(\(ref( null)? \w+\)|\w+ref)$/.test(type) ? asItIs(type) : null;
}

/** The signature of an exported function, or of a getter of an exported global. */
export function signatureOf({ kind, type }: ExportType): Signature | null {
  if (kind === 'function') {
    return { parameters: type?.parameters ?? [], results: type?.results ?? [] };
  }
  return kind === 'global' && type?.value ? { parameters: [], results: [type.value] } : null;
}

/** Names an adapter. */
export function keyOf({ kind, type }: ExportType): string {
  return JSON.stringify([kind, type?.parameters, type?.results, type?.value, type?.mutable]);
}

function importText({ kind, type }: ExportType, { parameters, results }: Signature): string {
  if (kind === 'function') {
    return `(func $used (param ${parameters.join(' ')}) (result ${results.join(' ')}))`;
  }
  return type?.mutable ? `(global $used (mut ${type.value}))` : `(global $used ${type?.value})`;
}

/** The text of the module that calls the import with what it gets, or null. */
function adapterText(exported: ExportType, signature: Signature): string | null {
  const taken = signature.parameters.map(crossingOf);
  const given = signature.results.map(crossingOf);
  const all = [...taken, ...given];
  if (!all.every((crossing) => crossing !== null)) return null;
  let parameters = 0;
  const values = taken.map((crossing) =>
    crossing!.lift(...crossing!.types.map(() => `(local.get ${parameters++})`)),
  );
  const use = exported.kind === 'function' ? 'call' : 'global.get';
  const locals = signature.results.map((type, place) => `(local $r${place} ${type})`);
  const stores = signature.results.map((_, place) => `(local.set $r${place})`).reverse();
  const lowered = given.flatMap((crossing, place) =>
    crossing!.lower.map((code) => `(local.get $r${place}) ${code.slice(1, -1)}`),
  );
  return `(module (import "adapter" "used" ${importText(exported, signature)})
    (func (export "use")
      (param ${taken.flatMap((crossing) => crossing!.types).join(' ')})
      (result ${given.flatMap((crossing) => crossing!.types).join(' ')})
      ${locals.join(' ')}
      ${values.join(' ')} ${use} $used ${stores.join(' ')}
      ${lowered.join('\n')}))`;
}

/** Adds an adapter for each of the exports that can have one. */
export async function addAdapters(
  adapters: Map<string, WebAssembly.Module | null>,
  exported: readonly ExportType[],
): Promise<void> {
  for (const each of exported) {
    const key = keyOf(each);
    const signature = signatureOf(each);
    if (!signature || adapters.has(key)) continue;
    const text = adapterText(each, signature);
    try {
      adapters.set(key, text === null ? null : new WebAssembly.Module(await wat(text)));
    } catch {
      adapters.set(key, null);
    }
  }
}
