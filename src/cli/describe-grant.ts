/** A tool, and what its arguments have to be. */
const toolIn =
  ({ narrowed = [] }: Scopes['tools']) =>
  (name: string): string => {
    const schemas = narrowed.flatMap(({ tool, schema }) => (tool === name ? [schema] : []));
    return schemas.length === 0 ? name : `${name} with ${schemas.join(' and ')}`;
  };

/** What a grant allows, in words and as plain data. */

import { type GrantSpec, type Scopes, wordsOf } from '../index.ts';

/** Names of a list that are shown. */
const NAMES_SHOWN_MAX = 20;

const listed = (names: 'all' | ReadonlySet<string | number>, what: string): string => {
  if (names === 'all') {
    return `all ${what}`;
  }
  const shown = [...names].slice(0, NAMES_SHOWN_MAX).join(', ');
  return names.size > NAMES_SHOWN_MAX ? `${shown} and ${names.size - NAMES_SHOWN_MAX} more` : shown;
};

function ipc({ pids, parent, topics }: Scopes['ipc']): string {
  const parts = [
    ...(pids === 'all' || pids.size > 0 ? [listed(pids, 'pids')] : []),
    ...(parent && pids !== 'all' ? ['its parent'] : []),
    ...(topics === 'all' || topics.size > 0
      ? [topics === 'all' ? 'all topics' : `topics ${listed(topics, '')}`]
      : []),
  ];
  return parts.length === 0 ? 'to receive only' : parts.join(', ');
}

function files({ guest, source, modes, quota }: Scopes['files']): string {
  const where = source.kind === 'host' ? source.path : 'memory';
  const how = ['read', ...(modes.write ? ['write'] : []), ...(modes.create ? ['create'] : [])];
  const bounds = [
    ...(quota.bytes === 0 ? [] : [`${quota.bytes.toLocaleString('en-US')} bytes`]),
    ...(quota.files === 0 ? [] : [`${quota.files.toLocaleString('en-US')} files`]),
  ];
  return `${guest} in ${where}: ${how.join(', ')}${bounds.length === 0 ? '' : `, at most ${bounds.join(' and ')} more`}`;
}

/** What a grant allows, in words; names and paths are as they were written. */
export function describeGrant(spec: GrantSpec): string {
  switch (spec.kind) {
    case 'ipc':
      return ipc(spec.scope);
    case 'network':
      return listed(new Set(wordsOf(spec)), 'hosts');
    case 'tools': {
      const { allow, deny } = spec.scope;
      return `${listed(allow === 'all' ? allow : new Set([...allow].map(toolIn(spec.scope))), 'tools')}${deny.size === 0 ? '' : `, but not ${listed(deny, '')}`}`;
    }
    case 'services':
      return listed(spec.scope.names, 'services');
    case 'spawn': {
      const { count, depth, modules } = spec.scope;
      return `${count} at a time, ${depth} deep, of ${listed(modules, 'modules')}`;
    }
    case 'files':
      return files(spec.scope);
    case 'clocks':
      return spec.scope.precision;
    case 'random':
      return spec.scope.seed === null ? "the system's" : `of the seed ${spec.scope.seed}`;
  }
}

/** The scope of a grant as plain data: sets are lists. */
export function plainScope({ scope }: GrantSpec): unknown {
  return JSON.parse(
    JSON.stringify(scope, (_, value: unknown) => (value instanceof Set ? [...value] : value)),
  );
}
