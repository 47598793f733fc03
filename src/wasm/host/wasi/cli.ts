/** wasi:cli: what a command finds around it: arguments, environment, its three streams, its exit. */

import type { Functions as EnvironmentFunctions } from '../generated/wasi-cli-environment.ts';
import type { Functions as ExitFunctions } from '../generated/wasi-cli-exit.ts';
import type { Functions as StderrFunctions } from '../generated/wasi-cli-stderr.ts';
import type { Functions as StdinFunctions } from '../generated/wasi-cli-stdin.ts';
import type { Functions as StdoutFunctions } from '../generated/wasi-cli-stdout.ts';
import type { Functions as TerminalInputFunctions } from '../generated/wasi-cli-terminal-input.ts';
import type { Functions as TerminalOutputFunctions } from '../generated/wasi-cli-terminal-output.ts';
import type { Functions as TerminalStderrFunctions } from '../generated/wasi-cli-terminal-stderr.ts';
import type { Functions as TerminalStdinFunctions } from '../generated/wasi-cli-terminal-stdin.ts';
import type { Functions as TerminalStdoutFunctions } from '../generated/wasi-cli-terminal-stdout.ts';
import { implement, releaseHeld } from '../implement.ts';
import { Held } from './held.ts';
import { InputStream } from './io/input-stream.ts';
import { OutputStream } from './io/output-stream.ts';

declare module '../abi/binding.ts' {
  interface HostResources {
    'wasi:cli/terminal-input/terminal-input': TerminalInput;
    'wasi:cli/terminal-output/terminal-output': TerminalOutput;
  }
}

/** Says that the input is a terminal; there is nothing to do with it. */
class TerminalInput extends Held {
  readonly kind = 'input';
}

/** Says that an output is a terminal; there is nothing to do with it. */
class TerminalOutput extends Held {
  readonly kind = 'output';
}

export const environment = implement<EnvironmentFunctions>('wasi:cli/environment', null, {
  'get-environment': (agent) => agent.environment,
  'get-arguments': (agent) => agent.arguments,
  // An agent has no directory that it starts in.
  'initial-cwd': () => undefined,
});

export const exit = implement<ExitFunctions>('wasi:cli/exit', null, {
  exit: (agent, status) => agent.exit(status.tag === 'ok' ? 0 : 1),
  'exit-with-code': (agent, code) => agent.exit(code),
});

export const stdin = implement<StdinFunctions>('wasi:cli/stdin', null, {
  'get-stdin': (agent) => new InputStream(agent, agent.stdin),
});

export const stdout = implement<StdoutFunctions>('wasi:cli/stdout', null, {
  'get-stdout': (agent) => new OutputStream(agent, agent.stdout),
});

export const stderr = implement<StderrFunctions>('wasi:cli/stderr', null, {
  'get-stderr': (agent) => new OutputStream(agent, agent.stderr),
});

export const terminalInput = implement<TerminalInputFunctions>('wasi:cli/terminal-input', null, {
  '[resource-drop]terminal-input': releaseHeld,
});

export const terminalOutput = implement<TerminalOutputFunctions>('wasi:cli/terminal-output', null, {
  '[resource-drop]terminal-output': releaseHeld,
});

export const terminalStdin = implement<TerminalStdinFunctions>('wasi:cli/terminal-stdin', null, {
  'get-terminal-stdin': (agent) => (agent.terminal.stdin ? new TerminalInput(agent) : undefined),
});

export const terminalStdout = implement<TerminalStdoutFunctions>('wasi:cli/terminal-stdout', null, {
  'get-terminal-stdout': (agent) => (agent.terminal.stdout ? new TerminalOutput(agent) : undefined),
});

export const terminalStderr = implement<TerminalStderrFunctions>('wasi:cli/terminal-stderr', null, {
  'get-terminal-stderr': (agent) => (agent.terminal.stderr ? new TerminalOutput(agent) : undefined),
});
