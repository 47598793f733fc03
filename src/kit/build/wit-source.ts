/**
 * The WIT that guests are built against, as one text: our contract, WASI 0.2 as jco ships it, and
 * the worlds that a guest can be made for.
 *
 * jco's `witPath` panics in the pinned version, and a panic poisons it for the rest of the process.
 * So everything is handed over as one source, with the dependencies as nested packages.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a guest can be: an agent by our contract, a WASI command, or a handler of HTTP requests. */
export type GuestWorld = 'agent' | 'command' | 'handler';

/** The version of the WASI texts that guests are built against. */
export const WASI_VERSION = '0.2.12';

/** Drafts of WASI, by their files in wit/deps; {@link WORLDS} imports what is offered of them. */
const DRAFTS = ['wasi-config', 'wasi-keyvalue', 'wasi-logging'];

const WORLDS = `package ringfence:guests;

world drafts {
  import wasi:config/store@0.2.0-draft;
  import wasi:keyvalue/store@0.2.0-draft2;
  import wasi:keyvalue/atomics@0.2.0-draft2;
  import wasi:keyvalue/batch@0.2.0-draft2;
  import wasi:logging/logging@0.1.0-draft;
}

world agent {
  include ringfence:agent/agent@0.1.0;
  include wasi:cli/imports@${WASI_VERSION};
  include wasi:http/imports@${WASI_VERSION};
  include drafts;
}

world command {
  include wasi:cli/command@${WASI_VERSION};
  include wasi:http/imports@${WASI_VERSION};
  include drafts;
}

world handler {
  include wasi:cli/imports@${WASI_VERSION};
  include wasi:http/proxy@${WASI_VERSION};
  include drafts;
}
`;

const WIT_FOLDER = fileURLToPath(new URL('../../../wit/', import.meta.url));

/** The folder of the installed jco package; its exports map hides it, so it is found by its entry. */
export function jcoFolder(): string {
  const entry = createRequire(import.meta.url).resolve('@bytecodealliance/jco');
  return dirname(dirname(entry));
}

/** Every WIT file that {@link readWitSource} puts together, in its order. */
export function witFiles(): string[] {
  const wasi = join(jcoFolder(), 'lib', 'wit', 'builtin', WASI_VERSION);
  const packages = readdirSync(wasi).sort();
  return [
    join(WIT_FOLDER, 'agent.wit'),
    ...packages.map((name) => join(wasi, name, 'package.wit')),
    ...DRAFTS.map((name) => join(WIT_FOLDER, 'deps', `${name}.wit`)),
  ];
}

/** The one WIT source that the worlds of guests are resolved from. */
export function readWitSource(): string {
  return [WORLDS, ...witFiles().map((file) => nestPackage(readFileSync(file, 'utf8')))].join('\n');
}

/** Turns a file of one package into a nested package, so that several fit into one source. */
function nestPackage(text: string): string {
  return `${text.replace(/^package ([^;]+);/m, 'package $1 {')}\n}\n`;
}
