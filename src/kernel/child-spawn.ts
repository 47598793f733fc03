/** A child as an agent asks for it, read: which module, with which grants and limits. Nothing in it is trusted. */

import type { ChildRequest } from '../backend/backend.ts';
import type { FilesScope, GrantSpec, ToolScope } from '../capability/grant.ts';
import { specOfWords } from '../capability/words.ts';
import { RingfenceError } from '../errors.ts';
import type { Limits } from '../resource/limits.ts';

/** Grants that one request can name. */
const GRANTS_MAX = 64;
const ARGUMENTS_MAX = 1_000;
const AGENT_ID_CHARACTERS_MAX = 256;
/** Characters of all that it says: the host keeps them for as long as the child lives. */
const CHARACTERS_MAX = 64 * 1024;

/** What a child is spawned with. */
export interface ReadChild {
  readonly specs: readonly GrantSpec[];
  readonly limits: Limits;
}

function invalid(why: string): RingfenceError {
  return new RingfenceError('RF_USAGE', `Cannot spawn the child: ${why}.`);
}

/** Limits that a child can be given; `hostBytes` is always its parent's. */
const NAMES = [
  'fuel',
  'memoryBytes',
  'cpuTimeMs',
  'wallTimeMs',
  'messages',
  'toolCalls',
  'diskBytes',
] as const;

/** What is absent is taken from the parent's own; that nothing is higher is checked at the spawn. */
function limitsOf(asked: ChildRequest['limits'], parent: Limits): Limits {
  const limits: { -readonly [Name in keyof Limits]: Limits[Name] } = { ...parent };
  for (const name of NAMES) {
    const value = asked[name];
    if (value !== undefined) {
      if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
        throw invalid(`its limit '${name}' is too large`);
      }
      limits[name] = Number(value);
    }
  }
  return limits;
}

function charactersOf(request: ChildRequest): number {
  const texts = [
    request.module.val,
    ...request.arguments,
    ...request.environment.flat(),
    ...request.grants.flatMap(({ kind, scope }) => [kind, ...scope]),
  ];
  // A text of no characters is kept too.
  return texts.reduce((sum, text) => sum + text.length + 16, 0);
}

/**
 * Refuses a request that says more than the host keeps of one: asked before it waits for anything.
 *
 * @throws {RingfenceError} `RF_USAGE`
 */
export function requireBounded(request: ChildRequest): void {
  if (request.agentId.length === 0 || request.agentId.length > AGENT_ID_CHARACTERS_MAX) {
    throw invalid(`its agent id has not 1 to ${AGENT_ID_CHARACTERS_MAX} characters`);
  }
  if (request.grants.length > GRANTS_MAX) {
    throw invalid(`it names ${request.grants.length} grants, and ${GRANTS_MAX} are the most`);
  }
  if (request.arguments.length > ARGUMENTS_MAX || request.environment.length > ARGUMENTS_MAX) {
    throw invalid(`it has more than ${ARGUMENTS_MAX} arguments or variables`);
  }
  if (charactersOf(request) > CHARACTERS_MAX) {
    throw invalid(
      `it has more than ${CHARACTERS_MAX} characters of names, arguments, variables and scopes`,
    );
  }
}

/**
 * Reads a request.
 *
 * @throws {RingfenceError} `RF_USAGE`
 */
export function readChild(
  request: ChildRequest,
  parent: {
    readonly limits: Limits;
    readonly files: readonly FilesScope[];
    readonly tools: readonly ToolScope[];
  },
): ReadChild {
  requireBounded(request);
  if (request.environment.some(([name]) => !/^[^=\0]+$/.test(name))) {
    throw invalid('the name of a variable is empty, or has a = or a NUL in it');
  }
  const specs = request.grants.map((grant) => specOfWords(grant, parent.files, parent.tools));
  const places = specs.flatMap((spec) => (spec.kind === 'files' ? [spec.scope.guest] : []));
  if (new Set(places).size < places.length) {
    throw invalid('it names a directory twice');
  }
  return {
    specs,
    limits: limitsOf(request.limits, parent.limits),
  };
}
