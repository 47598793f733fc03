/** `ringfence new` and `ringfence build`: what the authoring kit does, and what to do next. */

import { relative, resolve } from 'node:path';
import { RingfenceError } from '../index.ts';
import type { Environment } from './environment.ts';
import { STATUS } from './exit-status.ts';
import type { BuildInvocation, NewInvocation } from './kit-invocation.ts';
import { printableJson, printableLine, quoted } from './printable.ts';
import { ProgressLine } from './progress.ts';
import { printError, printLine } from './say.ts';

/** What a compiler says of the source, and not of how it was called. */
const OF_THE_SOURCE: ReadonlySet<string> = new Set(['RF_MODULE_INVALID', 'RF_WIT_INVALID']);

/** @throws {RingfenceError} for wrong usage, and for what can't be read or written */
export function kit(
  invocation: NewInvocation | BuildInvocation,
  environment: Environment,
): Promise<number> {
  return invocation.command === 'new'
    ? create(invocation, environment)
    : build(invocation, environment);
}

async function create(
  { folder, language: named, json }: NewInvocation,
  { stdin, stdout, stderr }: Environment,
): Promise<number> {
  // Who only runs agents does not wait for compilers to be loaded.
  const { createProject, isLanguage, LANGUAGES, requireProjectPlace } = await import(
    '../kit/index.ts'
  );
  let language = named ?? LANGUAGES[0];
  if (named === null && stdin.isTerminal && stderr.isTerminal && !json) {
    // Nobody is asked for a project that can't be made.
    requireProjectPlace(folder);
    const { askLanguage } = await import('./ask-language.ts');
    // Standard output is for what was made.
    language = await askLanguage(LANGUAGES, { input: process.stdin, output: process.stderr });
  }
  if (!isLanguage(language)) {
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot make a project in ${quoted(language)}: the languages are ${LANGUAGES.join(', ')}.`,
      { language },
    );
  }
  const { files, ...made } = createProject(folder, language);
  const place = printableLine(relative(process.cwd(), made.folder) || '.');
  await stdout.write(
    Buffer.from(
      json
        ? `${printableJson({ ...made, files })}\n`
        : [
            `${place}: an agent in ${language}, ${files.length} files. Next:`,
            '',
            `  cd ${place} && npm install`,
            '  npm run dev',
            '  npm test',
            '',
          ].join('\n'),
    ),
  );
  return STATUS.ok;
}

async function build({ folder, json }: BuildInvocation, environment: Environment): Promise<number> {
  const progress = new ProgressLine(environment, 'building');
  const { buildProject } = await import('../kit/index.ts');
  progress.update('loading the compiler');
  const built = await buildProject(resolve(folder))
    .catch((error: unknown) => {
      if (!(error instanceof RingfenceError) || !OF_THE_SOURCE.has(error.code)) {
        throw error;
      }
      return error;
    })
    .finally(() => progress.erase());
  if (built instanceof RingfenceError) {
    printError(environment, built);
    return STATUS.bad;
  }
  for (const warning of built.warnings) printLine(environment.stderr, printableLine(warning));
  const { sha256, bytes: size_bytes, imports, project } = built;
  const file = relative(process.cwd(), built.file);
  const told = { file, sha256, size_bytes, language: project.language, imports };
  await environment.stdout.write(
    Buffer.from(json ? `${printableJson(told)}\n` : describeBuilt(told)),
  );
  return STATUS.ok;
}

/** Imports that are listed; `inspect` has all. */
const IMPORTS_SHOWN = 8;

function describeBuilt(built: {
  readonly file: string;
  readonly sha256: string;
  readonly size_bytes: number;
  readonly imports: readonly string[];
}): string {
  const { file, sha256, size_bytes, imports } = built;
  const more = imports.length - IMPORTS_SHOWN;
  return [
    `${printableLine(file)}: ${size_bytes.toLocaleString('en-US')} bytes, sha256 ${sha256}`,
    imports.length === 0 ? 'imports nothing' : 'imports',
    ...imports.slice(0, IMPORTS_SHOWN).map((name) => `  ${printableLine(name)}`),
    ...(more > 0 ? [`  … and ${more} more`] : []),
    '',
  ].join('\n');
}
