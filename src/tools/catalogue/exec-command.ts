/**
 * Commands that the program, or a policy, lets agents run: an absolute path and a list of arguments, in some of
 * whose places an agent may put a value. Never a shell, never the host's environment.
 */

import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { basename, isAbsolute } from 'node:path';
import * as z from 'zod';
import { RingfenceError } from '../../errors.ts';
import { compileSchema } from '../../json-schema/validator.ts';

const ARGUMENTS_MAX = 256;
const ARGUMENT_CHARACTERS_MAX = 32_768;
/** Characters of a value that an agent puts in a place, where its schema says no less. */
const VALUE_CHARACTERS_MAX = 4_096;
const PATH_CHARACTERS_MAX = 4_096;
const COMMANDS_MAX = 256;
const VARIABLES_MAX = 256;

/** Bytes of each of a command's outputs, where nothing else is said. */
const EXEC_OUTPUT_BYTES_DEFAULT = 256 * 1024;
const EXEC_OUTPUT_BYTES_MAX = 1024 * 1024;
/** Milliseconds that a command may take, where nothing else is said. */
const EXEC_TIMEOUT_MS_DEFAULT = 10_000;
const EXEC_TIMEOUT_MS_MAX = 24 * 60 * 60 * 1000;
/** Runs of a command at a time, where nothing else is said. */
const EXEC_CONCURRENCY_DEFAULT = 4;

/** Programs that take a program as text: what stands in a place would be one. */
const SHELLS: ReadonlySet<string> = new Set([
  'ash',
  'bash',
  'busybox',
  'cmd',
  'cmd.exe',
  'csh',
  'dash',
  'fish',
  'ksh',
  'mksh',
  'powershell',
  'powershell.exe',
  'pwsh',
  'rbash',
  'sh',
  'tcsh',
  'zsh',
]);

const text = z
  .string()
  .max(ARGUMENT_CHARACTERS_MAX)
  .refine((value) => !value.includes('\0') && value.isWellFormed(), 'a text has no NUL');

const path = z
  .string()
  .max(PATH_CHARACTERS_MAX)
  .refine((value) => isAbsolute(value) && !value.includes('\0'), 'write an absolute path');

const placeSchema = z.strictObject({
  /** What the agent calls it. */
  name: z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'a name is letters, digits, _ and -'),
  /** What it may be: of a text, a number or a truth value. @default a text */
  schema: z.record(z.string(), z.unknown()).optional(),
  /** Without it the argument is left out. @default false */
  optional: z.boolean().optional(),
  /** Whether it may begin with a `-`, and so be taken for an option. @default false */
  dash: z.boolean().optional(),
});

/** A command as it is written. */
export const commandSchema = z.strictObject({
  /** The program: an absolute path. */
  command: path,
  /** Its arguments, in order: a text as it is, or a place for what the agent passes. */
  arguments: z
    .array(z.union([text, placeSchema], { error: 'write a text, or name and schema' }))
    .max(ARGUMENTS_MAX)
    .optional(),
  description: z.string().max(10_000).optional(),
  /** Where it runs. @default '/' */
  cwd: path.optional(),
  /** Its whole environment. @default empty */
  environment: z
    .record(z.string().regex(/^[^=\0]+$/, 'a variable has a name without = and NUL'), text)
    .refine((given) => Object.keys(given).length <= VARIABLES_MAX, {
      error: `${VARIABLES_MAX} variables are the most`,
    })
    .optional(),
  /** Whether the agent may pass a text for its standard input. @default false */
  stdin: z.boolean().optional(),
  /** @default 10_000 */
  timeoutMs: z.number().int().positive().max(EXEC_TIMEOUT_MS_MAX).optional(),
  /** Bytes of each of its outputs; it is ended when it writes more. @default 256 KiB */
  maxOutputBytes: z.number().int().positive().max(EXEC_OUTPUT_BYTES_MAX).optional(),
  /** Runs at a time. @default 4 */
  concurrency: z.number().int().positive().max(1_000).optional(),
});

const NAME = 'a name is letters, digits, . _ and -, 64 at most';

/** Commands, each written by a schema, by what follows `exec.` in the tool's name. */
export const execOf = <Command extends z.ZodType>(command: Command) =>
  z
    .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, NAME), command)
    .refine((given) => Object.keys(given).length <= COMMANDS_MAX, {
      error: `${COMMANDS_MAX} commands are the most`,
    });

const execSchema = execOf(commandSchema);

/** Commands that agents may run, by name. */
export type ExecInput = z.input<typeof execSchema>;

/** A place in a command's arguments. */
export type Place = z.output<typeof placeSchema>;

/** A command that was checked. */
export interface ExecCommand {
  /** As it was written: what the program sees as its own name. */
  readonly command: string;
  /** The file that is run: without symbolic links. */
  readonly file: string;
  readonly arguments: readonly (string | Place)[];
  readonly description: string;
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly stdin: boolean;
  readonly timeoutMs: number;
  readonly maxOutputBytes: number;
  readonly concurrency: number;
}

const refused = (name: string, why: string): RingfenceError =>
  new RingfenceError('RF_USAGE', `Cannot offer the command '${name}': ${why}.`, { name });

/** The file that a command is, as it is now. */
function fileOf(name: string, command: string): string {
  let file: string;
  let mode: number;
  try {
    file = realpathSync.native(command);
    const stat = statSync(file);
    if (!stat.isFile()) {
      throw refused(name, `'${command}' is no file`);
    }
    mode = stat.mode;
    accessSync(file, constants.X_OK);
  } catch (error) {
    if (error instanceof RingfenceError) {
      throw error;
    }
    const code = String((error as { code?: unknown }).code);
    throw refused(name, `'${command}' is no program that can be run (${code}): check the path`);
  }
  if ((mode & 0o002) !== 0) {
    throw refused(name, `everybody may write to '${file}': take that right away (chmod o-w)`);
  }
  const shell = [command, file].map((each) => basename(each)).find((each) => SHELLS.has(each));
  if (shell !== undefined) {
    throw refused(name, `'${shell}' is a shell: name the program itself`);
  }
  return file;
}

function checkPlaces(name: string, places: readonly Place[]): void {
  const names = new Set<string>(['stdin']);
  for (const place of places) {
    if (names.has(place.name)) {
      throw refused(name, `its place '${place.name}' is there twice, or is called stdin`);
    }
    names.add(place.name);
    try {
      compileSchema(schemaOfPlace(place));
    } catch (error) {
      const message = error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
      throw refused(name, `its place '${place.name}': ${message}`);
    }
  }
}

/** What an agent may put in a place. */
export function schemaOfPlace({ schema }: Place): Record<string, unknown> {
  return {
    type: ['string', 'number', 'boolean'],
    maxLength: VALUE_CHARACTERS_MAX,
    ...(schema === undefined ? { type: 'string' } : { allOf: [schema] }),
  };
}

/**
 * Reads the commands that agents may run, and looks at the programs.
 *
 * @throws {RingfenceError} `RF_USAGE` for what can't be understood, is no program, or is a shell.
 */
export function readExec(input: ExecInput): ReadonlyMap<string, ExecCommand> {
  const parsed = execSchema.safeParse(input);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.map(String).join('.') || 'exec';
    throw refused(
      where,
      issue?.code === 'invalid_key' ? NAME : (issue?.message ?? 'not understood'),
    );
  }
  return new Map(
    Object.entries(parsed.data).map(([name, given]) => {
      const places = (given.arguments ?? []).filter((each) => typeof each !== 'string');
      checkPlaces(name, places);
      return [
        name,
        {
          command: given.command,
          file: fileOf(name, given.command),
          arguments: given.arguments ?? [],
          description: given.description ?? `Runs ${basename(given.command)}.`,
          cwd: given.cwd ?? '/',
          environment: { ...given.environment },
          stdin: given.stdin ?? false,
          timeoutMs: given.timeoutMs ?? EXEC_TIMEOUT_MS_DEFAULT,
          maxOutputBytes: given.maxOutputBytes ?? EXEC_OUTPUT_BYTES_DEFAULT,
          concurrency: given.concurrency ?? EXEC_CONCURRENCY_DEFAULT,
        },
      ];
    }),
  );
}
