import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { KINDS } from './vocabulary.ts';

const page = readFileSync(new URL('../../docs/audit.md', import.meta.url), 'utf8');

test('docs/audit.md has every kind, as it is', () => {
  const rows = Array.from(
    page.matchAll(/^\| `([a-z._]+)` \| (\w+) \| (yes|outside)? ?\| (.*?) \| .+ \|$/gm),
    ([, kind, source, ahead, payload]) => ({
      kind,
      source,
      ahead: ahead === 'outside' ? ahead : ahead === 'yes',
      payload: Array.from((payload ?? '').matchAll(/`(\w+)`/g), ([, name]) => name),
    }),
  );
  expect(rows).toEqual(
    Object.entries(KINDS).map(([kind, { source, ahead, payload }]) => ({
      kind,
      source,
      ahead,
      payload: Object.keys(payload).sort(),
    })),
  );
});
