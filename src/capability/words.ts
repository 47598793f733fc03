/**
 * Scopes in words: how a guest names what it asks for, and is told what it has. Never a path of the
 * host.
 *
 * | kind | words |
 * |---|---|
 * | ipc | `all`, `receive`, `parent`, `pid:*`, a pid such as `3`, `topic:NAME`, `topic:*` |
 * | network | `*`, a host, `host:port`, `https://host/path GET`: as in a policy |
 * | tools | `*`, a name, `!NAME` for one that is denied, `NAME#DIGEST` for one with arguments that fit the schema of an own grant |
 * | services | `*`, a name |
 * | spawn | `*`, `sha256:DIGEST`, `count:N`, `depth:N` |
 * | files | one word: where it is mounted, and `:ro`, `:rw` or `:write` (change, not create) |
 * | clocks | `coarse` or `exact` |
 * | random | `system` |
 */

import { RingfenceError } from '../errors.ts';
import { mayNameArguments, withNarrowed, wordOfArguments } from './arguments.ts';
import type {
  ArgumentScope,
  FileModes,
  GrantKind,
  GrantSpec,
  NameScope,
  Scopes,
  ToolScope,
} from './grant.ts';
import { GRANT_KINDS } from './grant.ts';
import { parseGrants } from './input.ts';
import { SPAWN_DEPTH_MAX } from './schema.ts';

export { wordsOf } from './worded.ts';

/** Words of one scope, and characters of one of them. */
const WORDS_MAX = 1_000;
const WORD_CHARACTERS_MAX = 256;
/** Of the network: two scopes are compared rule by rule, while others wait. */
const NETWORK_WORDS_MAX = 64;
const COUNT_MAX = 10_000;

/** A scope of a guest's, before its mounts are known. */
export interface WordedGrant {
  readonly kind: string;
  readonly scope: readonly string[];
}

function invalid(kind: string, why: string): RingfenceError {
  return new RingfenceError('RF_USAGE', `Cannot use the grant of '${kind}': ${why}.`, { kind });
}

const isKind = (kind: string): kind is GrantKind =>
  (GRANT_KINDS as readonly string[]).includes(kind);

const names = (words: readonly string[]): NameScope =>
  words.includes('*') ? 'all' : new Set(words);

function count(kind: GrantKind, word: string, prefix: string, most: number): number {
  const digits = word.slice(prefix.length);
  const value = Number(digits);
  if (!/^[0-9]{1,5}$/.test(digits) || value > most) {
    throw invalid(kind, `'${prefix}' is followed by a number of at most ${most}`);
  }
  return value;
}

function ipc(words: readonly string[]): Scopes['ipc'] {
  const pids = new Set<number>();
  const topics = new Set<string>();
  let parent = false;
  let allPids = false;
  let allTopics = false;
  for (const word of words) {
    if (word === 'all') {
      return { pids: 'all', parent: true, topics: 'all' };
    }
    if (word === 'parent') {
      parent = true;
    } else if (word === 'pid:*') {
      allPids = true;
    } else if (word === 'topic:*') {
      allTopics = true;
    } else if (word.startsWith('topic:') && word.length > 'topic:'.length) {
      topics.add(word.slice('topic:'.length));
    } else if (/^[1-9][0-9]{0,14}$/.test(word)) {
      pids.add(Number(word));
    } else if (word !== 'receive') {
      throw invalid(
        'ipc',
        "a word is none of all, receive, parent, a pid, 'pid:*', or 'topic:NAME'",
      );
    }
  }
  return { pids: allPids ? 'all' : pids, parent, topics: allTopics ? 'all' : topics };
}

/** Checked as those of a policy are. */
function hosts(words: readonly string[]): Scopes['network'] {
  if (words.length > NETWORK_WORDS_MAX) {
    throw invalid('network', `it has ${words.length} words: write at most ${NETWORK_WORDS_MAX}`);
  }
  const [spec] = parseGrants({ network: words });
  if (spec?.kind !== 'network') {
    throw invalid('network', 'it names no host');
  }
  return spec.scope;
}

function spawn(words: readonly string[]): Scopes['spawn'] {
  const modules: string[] = [];
  let most = 1;
  let depth = 1;
  for (const word of words) {
    if (word.startsWith('count:')) {
      most = count('spawn', word, 'count:', COUNT_MAX);
    } else if (word.startsWith('depth:')) {
      depth = count('spawn', word, 'depth:', SPAWN_DEPTH_MAX);
    } else {
      modules.push(word);
    }
  }
  return { count: most, depth, modules: names(modules) };
}

const MODES_OF_WORD: Readonly<Record<string, FileModes>> = {
  ro: { write: false, create: false },
  write: { write: true, create: false },
  rw: { write: true, create: true },
};

/** A mount of the asker's own, handed on: where it is, and no more modes than it has. */
function files(words: readonly string[], own: readonly Scopes['files'][]): Scopes['files'] {
  const [word = ''] = words;
  const [, guest = '', mode] = /^(.*?)(?::(ro|rw|write))?$/s.exec(word) ?? [];
  const mount = own.find((candidate) => candidate.guest === guest);
  if (words.length !== 1 || mount === undefined) {
    throw invalid(
      'files',
      'name one directory that is mounted for the agent, by where it is mounted',
    );
  }
  return mode === undefined ? mount : { ...mount, modes: MODES_OF_WORD[mode] ?? mount.modes };
}

/**
 * Tools by name; those with a digest as the asker's own grants have them. An agent can name a schema, and
 * write none: what is compiled is never a guest's.
 */
function tools(words: readonly string[], own: readonly ToolScope[]): ToolScope {
  const denied = words.filter((word) => word.startsWith('!')).map((word) => word.slice(1));
  const allowed = words.filter((word) => !word.startsWith('!'));
  const known = new Map<string, ArgumentScope>();
  for (const narrowed of own.flatMap((scope) => scope.narrowed ?? [])) {
    known.set(wordOfArguments(narrowed), narrowed);
  }
  const narrowed: ArgumentScope[] = [];
  const plain: string[] = [];
  for (const word of allowed) {
    const one = known.get(word);
    if (one !== undefined) {
      narrowed.push(one);
    } else if (mayNameArguments(word)) {
      throw invalid(
        'tools',
        "'NAME#DIGEST' names arguments as a grant of the asker's own has them",
      );
    } else {
      plain.push(word);
    }
  }
  const allow = plain.includes('*')
    ? ('all' as const)
    : new Set([...plain, ...narrowed.map(({ tool }) => tool)]);
  return withNarrowed({ allow, deny: new Set(denied) }, narrowed);
}

/** What an asker has of its own, and can hand on. */
interface Own {
  readonly files: readonly Scopes['files'][];
  readonly tools: readonly ToolScope[];
}

function scopeOf(kind: GrantKind, words: readonly string[], own: Own): Scopes[GrantKind] {
  switch (kind) {
    case 'ipc':
      return ipc(words);
    case 'network':
      return hosts(words);
    case 'tools':
      return tools(words, own.tools);
    case 'services':
      return { names: names(words) };
    case 'spawn':
      return spawn(words);
    case 'files':
      return files(words, own.files);
    case 'clocks':
      if (words.length !== 1 || (words[0] !== 'coarse' && words[0] !== 'exact')) {
        throw invalid(kind, 'write coarse or exact');
      }
      return { precision: words[0] };
    case 'random':
      if (words.length !== 1 || words[0] !== 'system') {
        throw invalid(kind, 'write system');
      }
      return { seed: null };
  }
}

/**
 * What a guest asks for.
 *
 * `files` are the directories that are mounted for it, `tools` the tools that it may call: of directories,
 * and of schemas of arguments, it can only name these.
 *
 * @throws {RingfenceError} `RF_USAGE` for a kind or words that can't be understood; no words at all
 * mean nothing, and nothing can't be asked for.
 *
 * @example
 * ```ts
 * specOfWords({ kind: 'tools', scope: ['add'] }, []).kind; // 'tools'
 * ```
 */
export function specOfWords(
  grant: WordedGrant,
  files: readonly Scopes['files'][],
  tools: readonly ToolScope[] = [],
): GrantSpec {
  const { kind, scope } = grant;
  if (!isKind(kind)) {
    throw invalid(kind.slice(0, WORD_CHARACTERS_MAX), `it is none of ${GRANT_KINDS.join(', ')}`);
  }
  if (scope.length === 0 || scope.length > WORDS_MAX) {
    throw invalid(kind, `its scope has ${scope.length} words: write 1 to ${WORDS_MAX}`);
  }
  if (scope.some((word) => word.length === 0 || word.length > WORD_CHARACTERS_MAX)) {
    throw invalid(kind, `a word of its scope has not 1 to ${WORD_CHARACTERS_MAX} characters`);
  }
  return { kind, scope: scopeOf(kind, scope, { files, tools }), expiresAtMs: null } as GrantSpec;
}
