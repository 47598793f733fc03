import { describe, expect, test } from 'vitest';
import { call, FakeAgent, FakeExit } from '../../../../test/support/fake-agent.ts';
import {
  environment,
  exit,
  terminalInput,
  terminalOutput,
  terminalStderr,
  terminalStdin,
  terminalStdout,
} from './cli.ts';
import { HANDLE_BYTES } from './held.ts';

describe('the environment', () => {
  test('is what the agent was given, and nothing of the host', () => {
    const agent = new FakeAgent({
      arguments: ['tool.wasm', '-v'],
      environment: [
        ['A', '1'],
        ['__proto__', 'x'],
      ],
    });
    expect(call(agent, environment.get('get-arguments'))).toEqual(['tool.wasm', '-v']);
    expect(call(agent, environment.get('get-environment'))).toEqual([
      ['A', '1'],
      ['__proto__', 'x'],
    ]);
    expect(call(agent, environment.get('initial-cwd'))).toBeUndefined();
  });

  test('is empty where nothing was given', () => {
    expect(call(new FakeAgent(), environment.get('get-environment'))).toEqual([]);
  });
});

describe('exit', () => {
  test.each([
    ['exit', { tag: 'ok', val: undefined }, 0],
    ['exit', { tag: 'err', val: undefined }, 1],
    ['exit-with-code', 0, 0],
    ['exit-with-code', 255, 255],
  ])('%s %o ends the agent with %d', (name, argument, code) => {
    expect(() => call(new FakeAgent(), exit.get(name), argument)).toThrow(new FakeExit(code));
  });
});

describe.each([
  ['stdin', terminalStdin, terminalInput, 'terminal-input'],
  ['stdout', terminalStdout, terminalOutput, 'terminal-output'],
  ['stderr', terminalStderr, terminalOutput, 'terminal-output'],
] as const)('the terminal of %s', (name, getter, resources, resource) => {
  test('is there where the agent has one, accounted for and given back', () => {
    const none = { stdin: false, stdout: false, stderr: false };
    const agent = new FakeAgent({ terminal: { ...none, [name]: true } });
    const terminal = call<object>(agent, getter.get(`get-terminal-${name}`));
    expect(terminal).toBeTypeOf('object');
    expect(agent.held).toBe(HANDLE_BYTES);
    call(agent, resources.get(`[resource-drop]${resource}`), terminal);
    expect(agent.held).toBe(0);
  });

  test('is not there where the agent has none', () => {
    const all = { stdin: true, stdout: true, stderr: true };
    const agent = new FakeAgent({ terminal: { ...all, [name]: false } });
    expect(call(agent, getter.get(`get-terminal-${name}`))).toBeUndefined();
    expect(agent.held).toBe(0);
  });
});
