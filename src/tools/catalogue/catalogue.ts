/** The tools that ringfence itself has: none is offered unless the program, a policy or an option says so. */

import * as z from 'zod';
import { RingfenceError } from '../../errors.ts';
import type { KvStore } from '../../kv/store.ts';
import { envGet } from './env-get.ts';
import { exec } from './exec.ts';
import { type ExecInput, readExec } from './exec-command.ts';
import { fsDelete } from './fs-delete.ts';
import { fsList } from './fs-list.ts';
import { fsMkdir } from './fs-mkdir.ts';
import { fsRead } from './fs-read.ts';
import { fsStat } from './fs-stat.ts';
import { fsWrite } from './fs-write.ts';
import { httpFetch } from './http-fetch.ts';
import { kvDelete, kvIncrement, kvList, kvSet, kvSwap } from './kv.ts';
import { kvGet } from './kv-get.ts';
import type { CatalogueTool, ReachOf } from './reach.ts';
import { timeNow } from './time-now.ts';

/** What the tools of the catalogue work on. */
export interface CatalogueParts {
  readonly reachOf: ReachOf;
  readonly kv: KvStore;
}

const MAKERS = {
  'env.get': ({ reachOf }) => envGet(reachOf),
  'fs.delete': ({ reachOf }) => fsDelete(reachOf),
  'fs.list': ({ reachOf }) => fsList(reachOf),
  'fs.mkdir': ({ reachOf }) => fsMkdir(reachOf),
  'fs.read': ({ reachOf }) => fsRead(reachOf),
  'fs.stat': ({ reachOf }) => fsStat(reachOf),
  'fs.write': ({ reachOf }) => fsWrite(reachOf),
  'http.fetch': ({ reachOf }) => httpFetch(reachOf),
  'kv.delete': kvDelete,
  'kv.get': kvGet,
  'kv.increment': kvIncrement,
  'kv.list': kvList,
  'kv.set': kvSet,
  'kv.swap': kvSwap,
  'time.now': ({ reachOf }) => timeNow(reachOf),
} as const satisfies Readonly<Record<string, (parts: CatalogueParts) => CatalogueTool>>;

/** A tool of the catalogue. */
export type CatalogueName = keyof typeof MAKERS;

/** All that can be offered, commands beside. */
export const CATALOGUE_NAMES = Object.keys(MAKERS) as readonly CatalogueName[];

/** What is offered of the catalogue. */
export interface CatalogueOptions {
  /** Tools by name, or all of them; commands are in `exec` only. @default none */
  readonly tools?: 'all' | readonly CatalogueName[];
  /** Commands that are offered as tools called `exec.NAME` (docs/tools.md). @default none */
  readonly exec?: ExecInput;
}

const optionsSchema = z.strictObject({
  tools: z
    .union(
      [z.literal('all'), z.array(z.enum(CATALOGUE_NAMES as [CatalogueName, ...CatalogueName[]]))],
      { error: `write 'all' or a list of ${CATALOGUE_NAMES.join(', ')}` },
    )
    .optional(),
  exec: z.unknown().optional(),
});

/**
 * Makes the tools of the catalogue that are asked for.
 *
 * @throws {RingfenceError} `RF_USAGE` for a name that is not in it, or a command that can't be offered
 */
export function catalogueTools(options: CatalogueOptions, parts: CatalogueParts): CatalogueTool[] {
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot offer tools of the catalogue: ${issue?.path.map(String).join('.') || 'catalogue'}: ${issue?.message ?? 'not understood'}.`,
    );
  }
  const { tools = [] } = parsed.data;
  const names = tools === 'all' ? CATALOGUE_NAMES : [...new Set(tools)];
  const { reachOf } = parts;
  return [
    ...names.map((name) => MAKERS[name](parts)),
    ...[...readExec(options.exec ?? {})].map(([name, command]) => exec(name, command, reachOf)),
  ];
}
