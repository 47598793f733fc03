/** A grant in words, as its agent is told of it; words.ts reads them. Workers need no more than this. */

import { wordOfArguments } from './arguments.ts';
import type { FileModes, GrantSpec, NameScope, ToolScope } from './grant.ts';
import { wordsOfRule } from './network-words.ts';

const wordsOfNames = (scope: NameScope): string[] => (scope === 'all' ? ['*'] : [...scope]);

/** A tool of which the arguments have to be something is named with what that is. */
function wordsOfTools({ allow, deny, narrowed = [] }: ToolScope): string[] {
  const names = wordsOfNames(allow).filter((name) => !narrowed.some(({ tool }) => tool === name));
  return [...names, ...narrowed.map(wordOfArguments), ...[...deny].map((name) => `!${name}`)];
}

function modeWord(modes: FileModes): string {
  if (modes.create) {
    return 'rw';
  }
  return modes.write ? 'write' : 'ro';
}

/** A grant in the words that {@link specOfWords} takes. */
export function wordsOf(grant: Pick<GrantSpec, 'kind' | 'scope'>): string[] {
  const spec = grant as GrantSpec;
  switch (spec.kind) {
    case 'ipc': {
      const { pids, parent, topics } = spec.scope;
      if (pids === 'all' && parent && topics === 'all') {
        return ['all'];
      }
      const words = [
        ...(parent ? ['parent'] : []),
        ...(pids === 'all' ? ['pid:*'] : [...pids].map(String)),
        ...(topics === 'all' ? ['topic:*'] : [...topics].map((topic) => `topic:${topic}`)),
      ];
      return words.length === 0 ? ['receive'] : words;
    }
    case 'network':
      return spec.scope.rules.flatMap(wordsOfRule);
    case 'tools':
      return wordsOfTools(spec.scope);
    case 'services':
      return wordsOfNames(spec.scope.names);
    case 'spawn':
      return [
        ...wordsOfNames(spec.scope.modules),
        `count:${spec.scope.count}`,
        `depth:${spec.scope.depth}`,
      ];
    case 'files':
      return [`${spec.scope.guest}:${modeWord(spec.scope.modes)}`];
    case 'clocks':
      return [spec.scope.precision];
    case 'random':
      return [spec.scope.seed === null ? 'system' : 'seeded'];
  }
}
