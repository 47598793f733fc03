/** What a grant is: a value with a kind, a scope, an owner, an expiry and a parent. */

/** Names that a scope reaches: all of them, or a set. An empty set reaches nothing. */
export type NameScope = 'all' | ReadonlySet<string>;

/** Whom an agent may exchange messages with. */
export interface IpcScope {
  readonly pids: 'all' | ReadonlySet<number>;
  /** Whoever spawned the agent. */
  readonly parent: boolean;
  readonly topics: NameScope;
}

/** What is spoken with a host: requests by the host's own client, or whatever a guest sends by sockets. */
export const NETWORK_SCHEMES = ['http', 'https', 'tcp', 'udp'] as const;
/** One of them. */
export type NetworkScheme = (typeof NETWORK_SCHEMES)[number];

/** The classes of addresses that a grant can name. */
export const ADDRESS_CLASSES = ['public', 'private', 'loopback', 'link-local'] as const;

/** What kind of network an address is of. */
export type AddressClass = (typeof ADDRESS_CLASSES)[number];

/** Where a rule reaches: 'unspecified' is all addresses of this machine, to listen at. */
export type ReachableClass = AddressClass | 'unspecified';

/** Whom an agent may reach, and how: all of it must fit. */
export interface NetworkRule {
  /** `*`, `*.suffix`, or a host as `canonicalHost` makes it. */
  readonly host: string;
  readonly ports: 'all' | ReadonlySet<number>;
  readonly schemes: ReadonlySet<NetworkScheme>;
  /** Of requests: where it is not 'all' there are no schemes but http and https. */
  readonly methods: NameScope;
  /** The path or one above it, by segments; where it is not `/` the same. */
  readonly path: string;
  /** What the host's address may be. */
  readonly addresses: ReadonlySet<ReachableClass>;
  /**
   * Secrets that the host adds to each request that it reaches, as `NAME:header`. Where there are some,
   * the scheme is https, or the host this machine.
   */
  readonly secrets: ReadonlySet<string>;
  /** Whether it is for listening at the host, which then is this machine's; else for reaching it. */
  readonly listen: boolean;
}

/** What an agent may reach and listen at: what one of the rules says. */
export interface NetworkScope {
  readonly rules: readonly NetworkRule[];
}

/** What the arguments of a tool have to be. */
export interface ArgumentScope {
  readonly tool: string;
  /** A JSON schema in its canonical form, which arguments must fit. */
  readonly schema: string;
}

/** Tools that an agent may call: deny beats allow. */
export interface ToolScope {
  readonly allow: NameScope;
  readonly deny: ReadonlySet<string>;
  /** Of those that are allowed, what their arguments have to be: of several for a tool, each. Absent: anything. */
  readonly narrowed?: readonly ArgumentScope[];
}

/** Services that an agent may ask. */
export interface ServiceScope {
  readonly names: NameScope;
}

/** Agents that an agent may spawn. */
export interface SpawnScope {
  /** Children that may live at a time. */
  readonly count: number;
  /** Digests (`sha256:…`) or catalogue names of modules. */
  readonly modules: NameScope;
  /** Generations below the agent: 1 means that its children may spawn none. */
  readonly depth: number;
}

/** What an agent may do in a mounted directory, beside reading it. */
export interface FileModes {
  /** Change what is in files that exist. */
  readonly write: boolean;
  /** Make, rename, link and remove files and directories. */
  readonly create: boolean;
}

/** One mounted directory. */
export interface FilesScope {
  /** Where the guest finds it: absolute, normal, without a slash at the end (but for `/` itself). */
  readonly guest: string;
  readonly source:
    | { readonly kind: 'host'; readonly path: string }
    /** Empty at the agent's start, in the host's memory, gone at its end. */
    | { readonly kind: 'memory' };
  readonly modes: FileModes;
  /** Bytes and files that the agent may add to it; 0: as many as its limit of disk allows. */
  readonly quota: { readonly bytes: number; readonly files: number };
}

/** Clocks: `coarse` ticks each millisecond, `exact` as the machine's do. */
export interface ClockScope {
  readonly precision: 'coarse' | 'exact';
}

/** Random numbers: of the system, or a sequence that its seed decides. */
export interface RandomScope {
  readonly seed: string | null;
}

/** The scope of each kind of grant. */
export interface Scopes {
  readonly ipc: IpcScope;
  readonly network: NetworkScope;
  readonly tools: ToolScope;
  readonly services: ServiceScope;
  readonly spawn: SpawnScope;
  readonly files: FilesScope;
  readonly clocks: ClockScope;
  readonly random: RandomScope;
}

/** What a grant is about: each kind has a scope of its own. */
export type GrantKind = keyof Scopes;

/** All kinds, in the order in which they are shown. */
export const GRANT_KINDS = [
  'ipc',
  'network',
  'tools',
  'services',
  'spawn',
  'files',
  'clocks',
  'random',
] as const satisfies readonly GrantKind[];

/** What reports and events call a kind: the kernel's own vocabulary. */
export const CAPABILITY_NAME: Readonly<Record<GrantKind, string>> = {
  ipc: 'can_ipc',
  network: 'can_network',
  tools: 'can_exec_tools',
  services: 'services',
  spawn: 'can_spawn',
  files: 'files',
  clocks: 'clocks',
  random: 'random',
};

/** Names one grant in its kernel: from 1, never given out again. */
export type GrantId = number;

type OfEachKind<Shape extends { [Kind in GrantKind]: unknown }> = Shape[GrantKind];

/** What to grant: a grant before it has an owner. */
export type GrantSpec<Kind extends GrantKind = GrantKind> = OfEachKind<{
  [Each in GrantKind]: Each extends Kind
    ? {
        readonly kind: Each;
        readonly scope: Scopes[Each];
        /** Milliseconds since 1970 from which on it is no longer in force; null: never. */
        readonly expiresAtMs: number | null;
      }
    : never;
}>;

/** What an agent was granted. */
export type Grant<Kind extends GrantKind = GrantKind> = GrantSpec<Kind> & {
  readonly id: GrantId;
  /** The pid of the agent that holds it. */
  readonly owner: number;
  /** What it was derived from; null: the program granted it. */
  readonly parent: GrantId | null;
};

/** Grants that an agent can be given in its life, those that were revoked or have expired included. */
export const GRANTS_PER_AGENT_MAX = 256;
