/** `ringfence audit`: verifies, shows and exports chains, and proves what is in them. */

import {
  checkReceipt,
  createAuditKey,
  exportChain,
  notesOf,
  proveConsistency,
  proveEvent,
  proveResource,
  publicAuditKey,
  type ResourceEntry,
  RingfenceError,
  readEvents,
  readResources,
  type StoredEvent,
  type Verdict,
  verifyChain,
  verifyConsistency,
  verifyProof,
  verifyReceipt,
  verifyResource,
} from '../index.ts';
import type {
  AuditCheckInvocation,
  AuditInvocation,
  AuditShowInvocation,
  AuditTreeInvocation,
  AuditVerifyInvocation,
} from './audit-invocation.ts';
import type { AuditProveInvocation } from './audit-prove-invocation.ts';
import type { Environment } from './environment.ts';
import { STATUS } from './exit-status.ts';
import { printableJson, printableLine, quoted } from './printable.ts';
import { readTextFile } from './text-file.ts';

/** Bytes of an anchor's file that are read: a line a minute for more than a year. */
const ANCHOR_BYTES_MAX = 256 * 1024 * 1024;

/** Bytes of a receipt or a proof: more than either may have. */
const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;

/** Prints a line; false: nobody reads any more. */
async function print(environment: Environment, text: string): Promise<boolean> {
  return environment.stdout.write(Buffer.from(`${text}\n`)).then(
    () => true,
    () => false,
  );
}

function describe(verdict: Verdict): string {
  const { chain, events, pruned, signed, key, trusted, anchors, head, root, problem } = verdict;
  const { resources, begins } = verdict;
  const signature =
    key === null
      ? 'not signed: it proves nothing without an anchor'
      : `${key} (${trusted ? 'the one that was given' : 'not checked: give it by --key'})`;
  return [
    problem === null ? 'valid' : `bad       ${printableLine(problem.message)}`,
    `chain     ${chain ?? 'none'}`,
    `events    ${events}, of which ${signed} are signed${pruned === 0 ? '' : ` and ${pruned} were removed: it begins with event ${begins}`}`,
    `key       ${printableLine(signature)}`,
    ...(anchors === 0 ? [] : [`anchors   ${anchors} met`]),
    `head      ${head}`,
    `root      ${root}`,
    ...(resources === null
      ? []
      : [
          `resources ${resources.entries}, root ${resources.root}${resources.compared ? '' : ' (as it was signed; --strict compares it with the events)'}`,
        ]),
  ].join('\n');
}

/**
 * The checkpoints of an anchor's file.
 *
 * @throws {RingfenceError} `RF_USAGE` where it has none: nothing would be compared, and nobody told
 */
async function checkpointsOf(file: string): Promise<string[]> {
  const notes = notesOf(await readTextFile(file, ANCHOR_BYTES_MAX));
  if (notes.length === 0) {
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot use the anchor ${quoted(file)} as it holds no checkpoint: name the file that --audit-anchor has written, or leave it out.`,
      { path: file },
    );
  }
  return notes;
}

async function verify(
  { path, keys, anchors, strict, json }: AuditVerifyInvocation,
  environment: Environment,
): Promise<number> {
  const notes = await Promise.all(anchors.map(checkpointsOf));
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

/** @throws {RingfenceError} where it can't be proved */
async function proofOf({ what, path }: AuditProveInvocation): Promise<unknown> {
  switch (what.tag) {
    case 'event':
      return proveEvent(path, what.seq);
    case 'resource':
      return proveResource(path, what.kind, what.name, what.at);
    case 'growth': {
      const from =
        typeof what.from === 'number'
          ? what.from
          : (notesOf(await readTextFile(what.from, ANCHOR_BYTES_MAX)).at(-1) ?? '');
      return proveConsistency(path, from, what.to);
    }
  }
}

/** One line for people; names are guests', and made printable. */
function lineOfEntry(entry: ResourceEntry): string {
  const { kind, name, seq: _, ...rest } = entry;
  const { spawn: __, ...shown } = { spawn: null, ...rest };
  return printableLine(
    `${kind} ${name.map((part) => JSON.stringify(part)).join(' / ')} ${JSON.stringify(shown)}`,
  );
}

async function tree({ path, json }: AuditTreeInvocation, environment: Environment): Promise<void> {
  for (const entry of readResources(path)) {
    if (!(await print(environment, json ? printableJson(entry) : lineOfEntry(entry)))) {
      return;
    }
  }
}

/** Which kind of document it is says a name that only that kind has. */
async function checked(text: string, { keys, chain }: AuditCheckInvocation): Promise<unknown> {
  if (text.includes('"payloadType"')) {
    return chain === undefined
      ? verifyReceipt(text, keys)
      : (await checkReceipt(text, keys, chain)).receipt;
  }
  if (text.includes('"entry"')) {
    return verifyResource(text, keys);
  }
  return text.includes('"from"') ? verifyConsistency(text, keys) : verifyProof(text, keys);
}

async function check(invocation: AuditCheckInvocation, environment: Environment): Promise<number> {
  const text = await readTextFile(invocation.path, DOCUMENT_BYTES_MAX);
  await print(environment, printableJson(await checked(text, invocation), 2));
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
      if (invocation.chain === null) {
        createAuditKey(invocation.path);
      } else {
        await print(environment, publicAuditKey(invocation.path, invocation.chain));
      }
      return STATUS.ok;
    case 'audit verify':
      return await verify(invocation, environment);
    case 'audit show':
      return await show(invocation, environment);
    case 'audit export':
      return await exportLines(invocation.path, environment);
    case 'audit prove':
      await print(environment, printableJson(await proofOf(invocation)));
      return STATUS.ok;
    case 'audit tree':
      await tree(invocation, environment);
      return STATUS.ok;
    case 'audit check':
      return await check(invocation, environment);
  }
}
