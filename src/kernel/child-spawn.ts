/** A child as an agent asks for it, read: which module, with which grants and limits. Nothing in it is trusted. */

import type { CallOutcome, ChildRequest } from '../backend/backend.ts';
import type { FilesScope, GrantSpec } from '../capability/grant.ts';
import { specOfWords } from '../capability/words.ts';
import { type ErrorCode, RingfenceError } from '../errors.ts';
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
  parent: { readonly limits: Limits; readonly files: readonly FilesScope[] },
): ReadChild {
  requireBounded(request);
  if (request.environment.some(([name]) => !/^[^=\0]+$/.test(name))) {
    throw invalid('the name of a variable is empty, or has a = or a NUL in it');
  }
  const specs = request.grants.map((grant) => specOfWords(grant, parent.files));
  const places = specs.flatMap((spec) => (spec.kind === 'files' ? [spec.scope.guest] : []));
  if (new Set(places).size < places.length) {
    throw invalid('it names a directory twice');
  }
  return {
    specs,
    limits: limitsOf(request.limits, parent.limits),
  };
}

/** What a guest is told of an error: constants, for the messages of errors can name paths of the host. */
const FOR_GUESTS: Readonly<Partial<Record<ErrorCode, readonly [error: string, message: string]>>> =
  {
    RF_CAPABILITY_DENIED: [
      'denied',
      'the child would have more than its parent may give: ask for less',
    ],
    RF_LIMIT_EXCEEDED: [
      'limit-exceeded',
      'it has as many children as it may, or the host is at a limit: wait for one to exit',
    ],
    RF_PROCESS_TABLE_FULL: ['limit-exceeded', 'the host has no room for more agents: try later'],
    RF_QUOTA_EXCEEDED: [
      'limit-exceeded',
      'the quota of its owner, or of the host, is used up: wait for an agent to exit',
    ],
    RF_PROCESS_NOT_FOUND: [
      'not-found',
      'there is no such module: name one that the host has loaded',
    ],
    RF_MODULE_REFUSED: [
      'invalid',
      'the module needs more memory than its limit, or a feature that is not allowed: raise the limit, or build it without',
    ],
    RF_USAGE: ['invalid', 'the request can not be understood: see the words of grants and limits'],
    RF_CLOSED: ['unavailable', 'the host is being closed'],
    RF_BACKEND_NOT_AVAILABLE: [
      'unavailable',
      'this isolation is not offered here: its operator knows why',
    ],
  };

/**
 * An error of a spawn or of a request for a grant, as the agent that asked is told it. Where that is only
 * that the operator knows, `tellOperator` is told the rest.
 */
export function outcomeForGuest(
  error: unknown,
  tellOperator: (message: string) => void,
): CallOutcome<never> {
  const known = error instanceof RingfenceError ? FOR_GUESTS[error.code] : undefined;
  if (known === undefined) {
    tellOperator(error instanceof Error ? error.message : String(error));
    return {
      tag: 'err',
      error: 'unavailable',
      message: 'the host failed: its operator knows why',
    };
  }
  const [tag, message] = known;
  return { tag: 'err', error: tag, message };
}
