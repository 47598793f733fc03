/** Comparison of a receipt with the chain that it is of. */

import type { RingfenceError } from '../errors.ts';
import { canonical, freeJson } from './canonical.ts';
import { unproved } from './document.ts';
import { agentText, type StoredEvent } from './event.ts';
import { readEvents } from './query.ts';
import { type Envelope, type Receipt, receiptDigest, verifyReceipt } from './receipt.ts';
import { verifyChain } from './verify-store.ts';

/** What came of a comparison. */
export interface CheckedReceipt {
  readonly receipt: Receipt;
  /**
   * True: the events of the run are in the chain, and say the same. False: they were removed from it, and
   * only the signatures over them were compared.
   */
  readonly events: boolean;
}

const invalid = (why: string): RingfenceError => unproved('receipt', why);

/** The events of a chain that a receipt is about. */
interface Found {
  spawn: StoredEvent | null;
  exit: StoredEvent | null;
  issued: StoredEvent | null;
  /** The hash of the last event of the span, as the one behind it has it. */
  head: string | null;
}

/**
 * Checks a receipt as {@link verifyReceipt}, verifies its chain, and compares the two: the span is of that
 * chain, the run's spawn and exit are in it and say the same, and the chain says that the receipt was given.
 *
 * @param path the chain: its directory, or its export
 * @param keys public keys: the chain's first one, and after a rotation the one that signed the receipt, too
 * @throws {RingfenceError} `RF_AUDIT_INVALID`, `RF_AUDIT_KEY`, `RF_FILE`
 */
export async function checkReceipt(
  text: string,
  keys: readonly string[],
  path: string,
): Promise<CheckedReceipt> {
  const receipt = verifyReceipt(text, keys);
  const { span } = receipt;
  const anchors = span.checkpoint === null ? [] : [span.checkpoint];
  const { chain, problem, pruned } = await verifyChain(path, { keys, anchors });
  if (problem !== null) {
    throw invalid(`the chain is bad, ${problem.message.replace(/\.$/, '')}`);
  }
  if (chain !== receipt.chain) {
    throw invalid('it is of another chain');
  }
  const found = await findEvents(path, receipt, receiptDigest(JSON.parse(text) as Envelope));
  const { spawn, exit, issued } = found;
  if (spawn === null || exit === null || issued === null) {
    if (pruned === 0) {
      throw invalid(
        'the chain has no such run in the span, or does not say that a receipt was given',
      );
    }
    return { receipt, events: false };
  }
  compare(receipt, spawn, exit, issued);
  if (found.head !== null && found.head !== span.head) {
    throw invalid('the last of its events is another one in the chain');
  }
  return { receipt, events: true };
}

async function findEvents(
  path: string,
  { pid, span: { first, last } }: Receipt,
  digest: string,
): Promise<Found> {
  const found: Found = { spawn: null, exit: null, issued: null, head: null };
  for await (const event of readEvents(path, { from: first })) {
    const isOfRun = event.pid === pid && event.seq <= last;
    if (isOfRun && event.kind === 'agent.spawn') {
      found.spawn = event;
    } else if (isOfRun && event.kind === 'agent.exit') {
      found.exit = event;
    } else if (event.kind === 'receipt.issue' && event.payload.receipt === digest) {
      found.issued = event;
    }
    if (event.seq === last + 1) {
      found.head = event.prev;
    }
    if (event.seq > last && found.issued !== null) {
      break;
    }
  }
  return found;
}

/** What an event holds of JSON: itself, or what it is known by. */
const isSame = (held: unknown, said: unknown): boolean => canonical(held) === freeJson(said);

function compare(
  receipt: Receipt,
  spawn: StoredEvent,
  exit: StoredEvent,
  { payload: issued }: StoredEvent,
): void {
  const { module_sha256: module, span } = receipt;
  const agentId = agentText(receipt.agent_id);
  const agrees: readonly (readonly [string, boolean])[] = [
    ['agent_id', spawn.agent_id === agentId && exit.agent_id === agentId],
    ['module_sha256', spawn.module === module && exit.module === module],
    ['grants', isSame(spawn.payload.grants, receipt.grants)],
    ['limits', isSame(spawn.payload.limits, receipt.limits)],
    ['exit', exit.payload.code === receipt.exit.code],
    ['exit', exit.payload.reason === receipt.exit.reason],
    ['usage', isSame(exit.payload.usage, receipt.usage)],
    ['fuel_table', exit.payload.fuel_table === receipt.fuel_table],
    ['span', issued.first === span.first && issued.last === span.last],
  ];
  const wrong = agrees.find(([, agreed]) => !agreed);
  if (wrong !== undefined) {
    throw invalid(`the chain says otherwise of '${wrong[0]}'`);
  }
}
