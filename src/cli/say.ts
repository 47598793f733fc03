/** Lines of ringfence's own on standard error: one sentence each, never a stack. */

import { RingfenceError } from '../index.ts';
import type { Environment } from './environment.ts';
import type { Outlet } from './outlet.ts';
import { printableLine, printableText } from './printable.ts';

/** Prints a line, on a line of its own. The text is printable already. */
export function printLine(outlet: Outlet, text: string): void {
  outlet.print(`${outlet.atLineStart ? '' : '\n'}${text}\n`);
}

/** Says what went wrong. */
export function printError(
  { stderr, variables }: Pick<Environment, 'stderr' | 'variables'>,
  error: unknown,
): void {
  const message = error instanceof Error ? error.message : String(error);
  printLine(
    stderr,
    error instanceof RingfenceError
      ? `ringfence: ${printableLine(message)}`
      : `ringfence: internal error: ${printableLine(message)}; run it again with RINGFENCE_DEBUG=1, and report it`,
  );
  printStack({ stderr, variables }, error);
}

/** Says that standard output got lost, and answers whether it did. */
export function printLostOutput({
  stdout,
  stderr,
}: Pick<Environment, 'stdout' | 'stderr'>): boolean {
  if (stdout.failure === null) {
    return false;
  }
  printLine(stderr, `ringfence: standard output can't be written (${stdout.failure}): make room`);
  return true;
}

/** With RINGFENCE_DEBUG=1: where an error and its causes come from. */
export function printStack(
  { stderr, variables }: Pick<Environment, 'stderr' | 'variables'>,
  error: unknown,
): void {
  if (variables.RINGFENCE_DEBUG !== '1') {
    return;
  }
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    printLine(stderr, printableText(cause.stack ?? cause.message));
  }
}
