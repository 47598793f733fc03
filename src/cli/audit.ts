/** `ringfence audit`: verifies, shows and exports chains, and proves what is in them. */

import { readFile } from 'node:fs/promises';
import {
  createAuditKey,
  exportChain,
  notesOf,
  proveEvent,
  RingfenceError,
  readEvents,
  type StoredEvent,
  type Verdict,
  verifyChain,
  verifyProof,
  verifyReceipt,
} from '../index.ts';
import type {
  AuditCheckInvocation,
  AuditInvocation,
  AuditShowInvocation,
  AuditVerifyInvocation,
} from './audit-invocation.ts';
import type { Environment } from './environment.ts';
import { STATUS } from './exit-status.ts';
import { printableJson, printableLine } from './printable.ts';

/** Characters of a receipt, a proof or an anchor's file that are read. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;

async function readText(path: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    if (bytes.length <= FILE_BYTES_MAX) {
      return bytes.toString();
    }
  } catch (error) {
    throw new RingfenceError(
      'RF_FILE',
      `Cannot read '${path}' (${(error as NodeJS.ErrnoException).code}): check its name and its rights.`,
      { path },
      { cause: error },
    );
  }
  throw new RingfenceError('RF_FILE', `Cannot read '${path}': it has more than 64 MiB.`, { path });
}

/** Prints a line; false: nobody reads any more. */
async function print(environment: Environment, text: string): Promise<boolean> {
  return environment.stdout.write(Buffer.from(`${text}\n`)).then(
    () => true,
    () => false,
  );
}

function describe(verdict: Verdict): string {
  const { chain, events, pruned, signed, key, trusted, anchors, head, root, problem } = verdict;
  const signature =
    key === null
      ? 'not signed: it proves nothing without an anchor'
      : `${key} (${trusted ? 'the one that was given' : 'not checked: give it by --key'})`;
  return [
    problem === null ? 'valid' : `bad       ${printableLine(problem.message)}`,
    `chain     ${chain ?? 'none'}`,
    `events    ${events}, of which ${signed} are signed${pruned === 0 ? '' : ` and ${pruned} were removed`}`,
    `key       ${printableLine(signature)}`,
    ...(anchors === 0 ? [] : [`anchors   ${anchors} met`]),
    `head      ${head}`,
    `root      ${root}`,
  ].join('\n');
}

async function verify(
  { path, keys, anchors, strict, json }: AuditVerifyInvocation,
  environment: Environment,
): Promise<number> {
  const notes = await Promise.all(anchors.map(async (file) => notesOf(await readText(file))));
  const verdict = await verifyChain(path, {
    keys,
    anchors: notes.flat(),
    ...(strict !== undefined && { strict }),
  });
  await print(environment, json ? printableJson(verdict) : describe(verdict));
  return verdict.valid ? STATUS.ok : STATUS.bad;
}

/** One line for people. Guests have chosen what is in it: it is made printable. */
function lineOf(event: StoredEvent): string {
  const { seq, time_ms: timeMs, pid, agent_id: agentId, kind, payload } = event;
  const who = agentId === null ? `${pid}` : `${pid} ${agentId}`;
  const time = new Date(timeMs).toISOString();
  return printableLine(`${seq} ${time} ${kind} [${who}] ${JSON.stringify(payload)}`);
}

async function show(
  { path, json, follow, command: _, ...filter }: AuditShowInvocation,
  environment: Environment,
): Promise<number> {
  const stop = new AbortController();
  const stopListening = environment.onSignal(() => stop.abort());
  try {
    const given = Object.entries(filter).filter(([, value]) => value !== undefined);
    const options = { ...Object.fromEntries(given), follow, signal: stop.signal };
    for await (const event of readEvents(path, options)) {
      if (!(await print(environment, json ? printableJson(event) : lineOf(event)))) {
        break;
      }
    }
    return STATUS.ok;
  } finally {
    stopListening();
  }
}

async function exportLines(path: string, environment: Environment): Promise<number> {
  for (const chunk of exportChain(path)) {
    try {
      await environment.stdout.write(chunk);
    } catch {
      // A reader that has seen enough; what else it is is told at the end.
      break;
    }
  }
  return STATUS.ok;
}

async function check(
  { path, keys }: AuditCheckInvocation,
  environment: Environment,
): Promise<number> {
  const text = await readText(path);
  const said = text.includes('"payloadType"')
    ? verifyReceipt(text, keys)
    : verifyProof(text, keys[0] ?? '');
  await print(environment, printableJson(said, 2));
  return STATUS.ok;
}

/**
 * Runs one of the commands and answers the exit status: 1 where a chain is bad.
 *
 * @throws {RingfenceError} for files that can't be read, keys that are none, and what proves nothing
 */
export async function audit(
  invocation: AuditInvocation,
  environment: Environment,
): Promise<number> {
  switch (invocation.command) {
    case 'audit key':
      createAuditKey(invocation.path);
      return STATUS.ok;
    case 'audit verify':
      return await verify(invocation, environment);
    case 'audit show':
      return await show(invocation, environment);
    case 'audit export':
      return await exportLines(invocation.path, environment);
    case 'audit prove':
      await print(environment, printableJson(proveEvent(invocation.path, invocation.seq)));
      return STATUS.ok;
    case 'audit check':
      return await check(invocation, environment);
  }
}
