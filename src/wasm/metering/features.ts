/** Which features a module may use that not everybody allows, and which of them it was seen to use. */

/** What is refused by name unless it is allowed. */
export interface FeaturesInput {
  /**
   * Types of the garbage collector. Its heap is the process's: what an agent makes there can be counted
   * against its limit only where it has a process of its own, so with isolation `process` only.
   * @default false
   */
  readonly gc?: boolean | undefined;
  /** SIMD instructions whose results differ between machines. @default false */
  readonly relaxedSimd?: boolean | undefined;
}

/** A feature, as programs name it. */
export type Feature = keyof FeaturesInput;

/** All features, each allowed or used, or not. */
export type Features = Readonly<Record<Feature, boolean>>;

/** None of them. */
export const NO_FEATURES: Features = Object.freeze({ gc: false, relaxedSimd: false });

/** Their names in policies, on the command line and in what it prints: those of wasmtime's `-W`. */
export const FEATURE_NAMES = Object.freeze({
  gc: 'gc',
  relaxedSimd: 'relaxed-simd',
}) satisfies Readonly<Record<Feature, string>>;

/** The name of a feature in policies and on the command line. */
export type FeatureName = (typeof FEATURE_NAMES)[Feature];

const FEATURES = Object.keys(FEATURE_NAMES) as readonly Feature[];

/** All names, in their order. */
export const ALL_FEATURE_NAMES: readonly FeatureName[] = FEATURES.map(
  (each) => FEATURE_NAMES[each],
);

/** Features by what is written: `true` alone allows. */
export function featuresOf(given: FeaturesInput): Features {
  return { gc: given.gc === true, relaxedSimd: given.relaxedSimd === true };
}

/** The features with these names. */
export function featuresNamed(names: readonly FeatureName[]): Features {
  return {
    gc: names.includes(FEATURE_NAMES.gc),
    relaxedSimd: names.includes(FEATURE_NAMES.relaxedSimd),
  };
}

/** Those that are used or allowed, in the order of {@link ALL_FEATURE_NAMES}. */
export function namesOf(features: FeaturesInput): FeatureName[] {
  return FEATURES.filter((each) => features[each] === true).map((each) => FEATURE_NAMES[each]);
}

/** What is used and not allowed; null: nothing. */
export function firstMissing(used: Features, allowed: Features): Feature | null {
  return FEATURES.find((each) => used[each] && !allowed[each]) ?? null;
}

/** What a feature is called in a sentence. */
export const FEATURE_WORDS: Readonly<Record<Feature, string>> = Object.freeze({
  gc: 'GC types',
  relaxedSimd: 'relaxed SIMD',
});

/** The end of each sentence that refuses a feature: that it is not allowed, and how it is. */
export function notAllowedWords(feature: Feature): string {
  const name = FEATURE_NAMES[feature];
  return `the feature '${name}' is not allowed: allow it (--wasm-features ${name}, or 'features' of a policy, of load and of spawn), or build the module without`;
}

/** One module's features: allowed ones, and what readers of its bytes came upon. */
export class FeatureUse {
  readonly #allowed: Features;
  readonly #seen = new Set<Feature>();
  /**
   * Whether functions are told apart by their types, by references: then bodies must keep the types that
   * the module gave them, and fuel can't be passed as a parameter.
   */
  typedReferences = false;
  /** Whether it has handlers of the form that the standard no longer has. They run all the same. */
  legacyExceptions = false;

  constructor(allowed: FeaturesInput = {}) {
    this.#allowed = featuresOf(allowed);
  }

  /** A reader came upon a feature: whether it is allowed. */
  use(feature: Feature): boolean {
    this.#seen.add(feature);
    return this.#allowed[feature];
  }

  /** What was come upon so far. */
  get seen(): Features {
    return { gc: this.#seen.has('gc'), relaxedSimd: this.#seen.has('relaxedSimd') };
  }
}
