/** What a project of the authoring kit says of itself: the field `ringfence` of its package.json. */

import { join } from 'node:path';
import * as z from 'zod';
import { RingfenceError } from '../../errors.ts';
import { readTextOf } from '../build/read-file.ts';
import { ENGINES, type Engine } from '../javascript/engines.ts';

/** The languages that agents are written in. */
export const LANGUAGES = ['assemblyscript', 'c', 'javascript', 'rust', 'typescript'] as const;
/** A language that agents are written in. */
export type Language = (typeof LANGUAGES)[number];

/** The largest of a package has some thousand. */
const MANIFEST_BYTES_MAX = 2 ** 20;

/** A path inside of the project, as its author writes it. */
const path = z
  .string()
  .min(1)
  .max(1_024)
  .refine(
    (text) => !text.startsWith('/') && !text.split('/').includes('..') && !text.includes('\0'),
    'name a path inside of the project',
  );

const manifestSchema = z.object({
  name: z
    .string()
    .max(214)
    .regex(/^(@[a-z\d~-][a-z\d._~-]*\/)?[a-z\d~-][a-z\d._~-]*$/, 'is no name of a package'),
  ringfence: z.strictObject({
    language: z.enum(LANGUAGES),
    /** The file that is compiled. */
    entry: path,
    /** A folder of WIT, or a file. */
    wit: path.default('wit'),
    /** The world that it is made for; absent: the only one of that package. */
    world: z.string().min(1).max(256).optional(),
    /** What runs JavaScript and TypeScript; other languages have none. */
    engine: z.enum(ENGINES).optional(),
  }),
});

/** A project. */
export interface Project {
  /** Its folder. */
  readonly folder: string;
  /** The package's name without its scope: what the component is called. */
  readonly name: string;
  readonly language: Language;
  /** Paths as package.json has them, from the project's folder. */
  readonly entry: string;
  readonly wit: string;
  readonly world: string | null;
  /** What runs it; null: the language needs none. */
  readonly engine: Engine | null;
}

/**
 * Reads what a project says of itself.
 *
 * @throws {RingfenceError} `RF_FILE` where there is no package.json, `RF_USAGE` where it says nothing of
 * ringfence, or what can't be.
 */
export function readProject(folder: string): Project {
  const file = join(folder, 'package.json');
  const wrong = (why: string, cause?: unknown) =>
    new RingfenceError(
      'RF_USAGE',
      `Cannot build the project of '${file}': ${why}.`,
      { path: file },
      { cause },
    );
  let text: string;
  try {
    text = readTextOf(file, MANIFEST_BYTES_MAX);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new RingfenceError(
      'RF_FILE',
      code === 'ENOENT'
        ? `There is no project in '${folder}' as it has no package.json: make one with 'ringfence new'.`
        : `Cannot read '${file}' (${code}): it has to be a file that you may read.`,
      { path: file },
      { cause: error },
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw wrong('it is no JSON', error);
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw wrong(`${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'is wrong'}`, parsed.error);
  }
  const { name, ringfence } = parsed.data;
  const { language, entry, wit, world = null } = ringfence;
  const takesEngine = language === 'javascript' || language === 'typescript';
  if (ringfence.engine !== undefined && !takesEngine) {
    throw wrong(`ringfence.engine: ${language} runs without one, so leave it out`);
  }
  const engine = takesEngine ? (ringfence.engine ?? ENGINES[0]) : null;
  return { folder, name: name.replace(/^@[^/]*\//, ''), language, entry, wit, world, engine };
}
