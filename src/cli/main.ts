/** The entry of the command line: reads the arguments, runs the command, answers the exit status. */

import { readFile } from 'node:fs/promises';
import { RingfenceError } from '../index.ts';
import { audit } from './audit.ts';
import { bench } from './bench/bench.ts';
import { bindings } from './bindings.ts';
import { check } from './check.ts';
import { dev } from './dev.ts';
import { type Environment, processEnvironment } from './environment.ts';
import { STATUS, statusOfError } from './exit-status.ts';
import { inspect } from './inspect.ts';
import { type Invocation, readInvocation } from './invocation.ts';
import { kit } from './kit.ts';
import { mcp } from './mcp.ts';
import { checkPolicy, printPolicySchema } from './policy-check.ts';
import { explainPolicy } from './policy-explain.ts';
import { testProject } from './project-test.ts';
import { replay } from './replay.ts';
import { run } from './run.ts';
import { printError, printLostOutput } from './say.ts';
import { serve } from './serve.ts';

/** The package's own version; the file is as far from the source as from what is built of it. */
async function packageVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  return version;
}

async function execute(invocation: Invocation, environment: Environment): Promise<number> {
  switch (invocation.command) {
    case 'run':
      return await run(invocation, environment);
    case 'serve':
      return await serve(invocation, environment);
    case 'bench':
      return await bench(invocation, environment);
    case 'replay':
      return await replay(invocation, environment);
    case 'inspect':
      return await inspect(invocation, environment);
    case 'mcp':
      return await mcp(invocation, environment);
    case 'check':
      return await check(invocation, environment);
    case 'new':
    case 'build':
      return await kit(invocation, environment);
    case 'dev':
      return await dev(invocation, environment);
    case 'test':
      return await testProject(invocation, environment);
    case 'audit key':
    case 'audit verify':
    case 'audit show':
    case 'audit export':
    case 'audit prove':
    case 'audit tree':
    case 'audit check':
      return await audit(invocation, environment);
    case 'bindings':
      return await bindings(invocation, environment);
    case 'policy check':
      return await checkPolicy(invocation, environment);
    case 'policy explain':
      return await explainPolicy(invocation, environment);
    case 'policy schema':
      return await printPolicySchema(environment);
    case 'print': {
      const outlet = invocation.isError ? environment.stderr : environment.stdout;
      await outlet.write(Buffer.from(invocation.text)).catch(() => {});
      return invocation.isError ? STATUS.usage : STATUS.ok;
    }
  }
}

/**
 * Runs the command line and answers the exit status. It never rejects: what goes wrong is one
 * sentence on standard error.
 *
 * @param argv the arguments behind the program's name
 */
export async function main(
  argv: readonly string[],
  environment: Environment = processEnvironment(),
): Promise<number> {
  let status: number;
  try {
    const invocation = readInvocation(argv, {
      version: await packageVersion(),
      variables: environment.variables,
    });
    status = await execute(invocation, environment);
    // Of a run it is told with its report.
    if (invocation.command !== 'run' && printLostOutput(environment)) {
      status = STATUS.internal;
    }
  } catch (error) {
    printError(environment, error);
    status = error instanceof RingfenceError ? statusOfError(error.code) : STATUS.internal;
  }
  await environment.stderr.flushed();
  return status;
}

/** Runs the command line in this process and ends it. */
export async function start(argv: readonly string[]): Promise<void> {
  const environment = processEnvironment();
  // What nobody expected is still one sentence, and never the module's fault.
  process.on('uncaughtException', (error) => {
    printError(environment, error);
    void environment.stderr.flushed().then(() => process.exit(STATUS.internal));
  });
  process.exit(await main(argv, environment));
}
