/**
 * Goal: what the program was left open by who started it is no MCP server's and no command's. Method: a program with
 * such a descriptor, a server and a command that say where theirs lead.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const LEFT = fileURLToPath(import.meta.url);

test.runIf(process.platform === 'linux')(
  '40: MCP servers and commands have no descriptor that the program was left',
  async () => {
    const left = openSync(LEFT, 'r');
    const program = fileURLToPath(new URL('fixtures/leaky-program.ts', import.meta.url));
    const child = spawn(process.execPath, [program], {
      // Node itself closes the first ones.
      stdio: ['ignore', 'pipe', 'inherit', ...Array(60).fill('ignore'), left],
    });
    const [said] = await Promise.all([text(child.stdout!), once(child, 'exit')]);
    const { own, server, command } = JSON.parse(said) as Record<string, string[]>;
    // The control: the program has it.
    expect(own).toContain(LEFT);
    for (const links of [server!, command!]) {
      expect(links.length).toBeGreaterThanOrEqual(3);
      expect(links.filter((to) => to.startsWith('/') && to !== '/dev/null')).toEqual([]);
    }
  },
);
