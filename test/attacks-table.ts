/**
 * Every attack among the guest examples: what it shows, how it must end, and the nearly identical
 * harmless guest that must run. `guest-examples/hostile/attacks/` has the programs.
 */

/** How a run must end: refused before anything of it ran, or by an exit reason of the report. */
export type Outcome = 'refused' | 'normal' | 'error' | 'trap' | 'fuel';

/** One attack and its positive control. */
export interface Attack {
  /** The name of the built guest. */
  readonly name: string;
  /** What would happen to a host that isn't careful. */
  readonly shows: string;
  readonly outcome: Outcome;
  /** The harmless variant, which must end normally under the same limits. */
  readonly control: string;
}

/** The fuel that every attack and every control is given. */
export const ATTACK_FUEL = 200_000_000;

/** All attacks. */
export const ATTACKS: readonly Attack[] = [
  {
    name: 'attack-rce',
    shows: 'an export name runs as code of the host',
    outcome: 'normal',
    control: 'attack-rce-control',
  },
  {
    name: 'attack-names',
    shows: 'names of exports and imports break objects, paths or logs of the host',
    outcome: 'normal',
    control: 'attack-names-control',
  },
  {
    name: 'attack-types',
    shows: 'a host function is handed arguments of other types',
    outcome: 'refused',
    control: 'attack-types-control',
  },
  {
    name: 'attack-types-enum',
    shows: 'a host function is handed a case that it does not have',
    outcome: 'refused',
    control: 'attack-types-control',
  },
  {
    name: 'attack-types-result',
    shows: 'a host function is asked for a result that it does not have',
    outcome: 'refused',
    control: 'attack-types-control',
  },
  {
    name: 'attack-types-function',
    shows: 'a function that is not offered is bound to something',
    outcome: 'refused',
    control: 'attack-types-control',
  },
  {
    name: 'attack-types-doubling',
    shows: 'comparing types takes time and memory that double with each line',
    outcome: 'refused',
    control: 'attack-types-control',
  },
  {
    name: 'attack-types-doubling-deep',
    shows: 'reading types takes time and memory that double with each line',
    outcome: 'refused',
    control: 'attack-types-control',
  },
  {
    name: 'attack-resource',
    shows: 'a handle of one resource is taken for another resource',
    outcome: 'refused',
    control: 'attack-resource-control',
  },
  {
    name: 'attack-bomb',
    shows: 'compiling a small function takes gigabytes',
    outcome: 'refused',
    control: 'attack-bomb-control',
  },
  {
    name: 'attack-bomb-small',
    shows: 'compiling a function of 9 KB takes gigabytes',
    outcome: 'refused',
    control: 'attack-bomb-control',
  },
  {
    name: 'attack-gc',
    shows: 'the garbage-collected heap ends the process',
    outcome: 'refused',
    control: 'attack-gc-control',
  },
  {
    name: 'attack-suspend-start',
    shows: 'waiting in a start function throws what the guest catches',
    outcome: 'normal',
    control: 'attack-suspend-control',
  },
  {
    name: 'attack-suspend-realloc',
    shows: 'waiting in a realloc throws what the guest catches',
    outcome: 'trap',
    control: 'attack-suspend-control',
  },
  {
    name: 'attack-recursion',
    shows: "recursion reaches the engine's own stack limit",
    outcome: 'trap',
    control: 'attack-recursion-control',
  },
  {
    name: 'attack-start',
    shows: 'a start function can not be stopped',
    outcome: 'fuel',
    control: 'attack-start-control',
  },
  {
    name: 'attack-trap',
    shows: 'the guest catches what a host function throws at a wild pointer',
    outcome: 'trap',
    control: 'attack-trap-control',
  },
  {
    name: 'attack-trap-unaligned',
    shows: 'the guest catches what a host function throws at an unaligned pointer',
    outcome: 'trap',
    control: 'attack-trap-control',
  },
  {
    name: 'attack-trap-deep',
    shows: 'the stack overflows within a host function, and the guest catches it',
    outcome: 'trap',
    control: 'attack-trap-deep-control',
  },
];
