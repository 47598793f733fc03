/** Runs the commands that a build needs: compilers, package clients, tar. */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program that can't be built here, though nothing is wrong with it: a tool or a registry is missing. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

/** How a command is run. */
export interface CommandOptions {
  readonly cwd?: string;
  /** Set besides what this process has. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Milliseconds until it is ended. @default 300,000 */
  readonly deadlineMs?: number;
}

/** The most of a command's output that is kept, in bytes. */
const OUTPUT_BYTES_MAX = 1024 * 1024;

/** The end of what a command said, for a message. */
const lastLines = (text: string): string => text.trim().split('\n').slice(-6).join('\n');

/**
 * Runs a command to its end and answers its standard output.
 *
 * @throws {Unavailable} when there is no such command.
 * @throws {Error} with its last words, when it fails or its deadline passes.
 */
export function command(
  name: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(name, args, {
    cwd: options.cwd,
    env: { ...process.env, LC_ALL: 'C', ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: options.deadlineMs ?? 300_000,
  });
  let output = '';
  let complaints = '';
  child.stdout.on('data', (chunk) => {
    output = (output + chunk).slice(-OUTPUT_BYTES_MAX);
  });
  child.stderr.on('data', (chunk) => {
    complaints = (complaints + chunk).slice(-OUTPUT_BYTES_MAX);
  });
  child.on('error', (error: NodeJS.ErrnoException) => {
    reject(error.code === 'ENOENT' ? new Unavailable(`${name} is not installed`) : error);
  });
  child.on('close', (status, signal) => {
    if (status === 0) {
      resolve(output);
    } else {
      const how = signal === null ? `status ${status}` : signal;
      reject(new Error(`${name} failed (${how}):\n${lastLines(complaints || output)}`));
    }
  });
  return promise;
}

/**
 * Makes certain that commands are there which others call.
 *
 * @throws {Unavailable} for the first that is not on the path.
 */
export function requireTools(names: readonly string[]): void {
  const folders = (process.env.PATH ?? '').split(delimiter);
  for (const name of names) {
    if (!folders.some((folder) => existsSync(join(folder, name)))) {
      throw new Unavailable(`${name} is not installed`);
    }
  }
}
