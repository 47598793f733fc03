// Prints its arguments, one a line, and its environment as NAME=VALUE.

import { getArguments, getEnvironment, initialCwd } from 'wasi/cli/environment';
import { Result, UNIT, Unit } from 'wit/values';

export function run(): Result<Unit, Unit> {
  const args = getArguments();
  for (let index = 0; index < args.length; index++) console.log(`argument ${args[index]}`);
  const environment = getEnvironment();
  for (let index = 0; index < environment.length; index++) {
    console.log(`environment ${environment[index].item0}=${environment[index].item1}`);
  }
  const cwd = initialCwd();
  console.log(cwd === null ? 'no working directory' : `working directory ${cwd}`);
  return Result.ok<Unit, Unit>(UNIT);
}
