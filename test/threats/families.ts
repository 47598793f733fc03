/**
 * Which test shows what of each family of hostile acts: by the file and a piece of the test's title as
 * it stands there. What other tests show well, with real guests, is named here and not done again.
 */

import { FILE_FAMILIES } from './file-families.ts';
import { KV_FAMILIES } from './kv-families.ts';
import { NETWORK_FAMILY } from './network-family.ts';

/** One act of a family. */
export interface Shown {
  /** The family's number. */
  readonly family: number;
  /** What a hostile guest, module or caller does. */
  readonly act: string;
  /** `path: title`, each of which must be there. */
  readonly tests: readonly string[];
}

const ENDS = 'test/kernel/ends.test.ts';
const CPU = 'test/threats/cpu.test.ts';
const MEMORY = 'test/threats/memory.test.ts';
const MODULES = 'test/threats/several-modules.test.ts';
const HANDLES = 'test/threats/handles.test.ts';
const NAMES = 'test/threats/names-and-features.test.ts';
const GRANTS = 'test/threats/grants-and-names.test.ts';
const CALLS = 'test/threats/host-calls-back.test.ts';
const RESTORED = 'test/threats/restored.test.ts';
const REUSE = 'test/threats/reuse.test.ts';
const LATE = 'test/threats/late.test.ts';
const TAMPERING = 'test/audit/tampering.test.ts';
const TERMINAL = 'test/threats/terminal.test.ts';
const FUZZ = 'test/threats/fuzz-host-calls.test.ts';
const NEIGHBOURS = 'test/threats/neighbours.test.ts';
const CONVERSATIONS = 'test/threats/conversations.test.ts';
const LOST_WORKERS = 'test/threats/lost-workers.test.ts';
const RESTARTS = 'test/threats/restarts.test.ts';
const EXEC = 'src/tools/catalogue/exec.test.ts';
const TOOLS = 'test/threats/tools.test.ts';
const MCP_CLIENTS = 'test/mcp/hostile-clients.test.ts';
const TURNS = 'src/tools/turns.test.ts';
const REVOCATION = 'test/kernel/revocation.test.ts';
const SUPERVISION = 'test/kernel/supervision.test.ts';
const FEATURES = 'test/kernel/features.test.ts';
const MATRIX = 'test/threats/matrix.test.ts';
const ATTACKS = 'test/attacks-table.ts';
const PREPARE = 'src/wasm/component/prepare/prepare.test.ts';
const CACHE = 'src/wasm/component/cache/cache.test.ts';
const METER = 'src/wasm/metering/meter.test.ts';

const shown = (family: number, act: string, ...tests: string[]): Shown => ({ family, act, tests });

/** All families but those of {@link ELSEWHERE}. */
export const FAMILIES: readonly Shown[] = [
  ...FILE_FAMILIES,
  ...NETWORK_FAMILY,
  ...KV_FAMILIES,
  shown(
    19,
    'an empty loop',
    `${ENDS}: by its fuel, exactly, whatever it does`,
    `${ENDS}: endless-loop`,
  ),
  shown(
    19,
    'a loop in a start function',
    `${ENDS}: loop-in-start`,
    `${CPU}: 19: a loop in a start function ends by kill`,
  ),
  shown(
    19,
    'a loop in realloc',
    `${ENDS}: by the allowance of its realloc, which nothing can suspend`,
  ),
  shown(
    19,
    'a loop in post-return',
    `${CPU}: 19: a loop in post-return ends by fuel, timeout and kill`,
  ),
  shown(
    19,
    'a loop in a destructor of its own',
    `${CPU}: 19: a destructor of the guest’s own is never called`,
  ),

  shown(20, 'recursion', `${ENDS}: by the depth of its calls, in the same place every time`),
  shown(
    20,
    'recursion through the host',
    `${ATTACKS}: attack-trap-deep`,
    `${CPU}: 20: recursion of a realloc within a host call`,
  ),

  shown(
    21,
    'a memory that grows in a loop',
    `${ENDS}: growth beyond the limit answers -1, and the program goes on`,
    `${MEMORY}: 21: memory.grow by 2^32 - 1 pages`,
  ),
  shown(
    21,
    'several memories, each within the limit',
    `${MODULES}: 59: and 21: their memories and tables have one limit`,
    `${NAMES}: 21: %s: their limit is that of all together`,
  ),
  shown(21, 'a table that grows by 10^7', `${MEMORY}: 21: table.grow by 10^7 answers -1`),
  shown(
    21,
    'a memory or table that is huge from the beginning',
    `${MEMORY}: 21: %s is refused for what it declares`,
  ),
  shown(
    21,
    'memories and tables of 64 bits',
    `${NAMES}: 21: %s: their limit is that of all together`,
    `src/wasm/metering/proposals.test.ts: as what a memory of 64 bits grows by is refused without a question`,
    `src/wasm/metering/proposals.test.ts: as growth of all memories and tables together is refused`,
  ),
  shown(21, 'data segments of 1 GB', `${MEMORY}: 21: a data segment that says it has 1 GiB`),
  shown(
    21,
    '10^6 functions, 50,000 locals, 10^6 branch targets',
    `${PREPARE}: of 10^6 functions`,
    `${PREPARE}: of 50,000 locals and 12,000 blocks`,
    `${PREPARE}: of 10^6 branch targets`,
  ),

  shown(
    22,
    'bulk operations of gigabytes, again and again',
    `${MEMORY}: 22: %s is charged by its length, in a loop it ends by fuel`,
    `${MEMORY}: 22: 256 MiB at a time end by fuel`,
    `${ENDS}: 'bulk'`,
  ),
  shown(
    22,
    'bulk operations of 2^32 - 1',
    `${MEMORY}: 22: %s of 2^32 - 1 traps before anything is done`,
  ),

  shown(
    23,
    'names of what is injected; a fuel global of its own',
    `${MODULES}: 23: names of what is injected are names like others`,
    'src/wasm/metering/module.test.ts: never shares the names of what is injected',
  ),
  shown(
    24,
    'a gas function that it calls already',
    `${MODULES}: 24: a gas function that is called already`,
  ),
  shown(
    25,
    'catching the end: traps, host errors, out of fuel',
    `${ENDS}: 'catch-all'`,
    `${ENDS}: catch-all-legacy`,
    `${ATTACKS}: attack-trap-unaligned`,
  ),
  shown(
    26,
    'fuel of 1 and of 2^53 - 1, other numbers',
    `${CPU}: 26: one unit is one unit`,
    `${CPU}: 26: %s units are refused`,
    `${METER}: is enough exactly where it is what a run uses`,
  ),
  shown(
    26,
    'lengths of 2^64 - 1 as a charge',
    `${CPU}: 26: a length of 2^64 - 1 gives no fuel back`,
  ),
  shown(
    27,
    'tail calls and loops around dead code',
    `${CPU}: 27: %s end by fuel`,
    `${METER}: nothing runs past its budget`,
  ),
  shown(
    28,
    'a wait of 2^64 ns, apart from fuel',
    `${CPU}: 28: a wait of 2^64 ns uses no fuel`,
    `${ENDS}: waiting is no CPU time`,
  ),
  shown(28, 'a storm of sleeps', `${CPU}: 28: a storm of sleeps holds up nobody`),
  shown(
    28,
    'agents that wake each other without end',
    `${NEIGHBOURS}: 28: starve nobody who computes`,
  ),
  shown(
    29,
    'shared memory and waits in it',
    `${NAMES}: 29: shared memory, to wait in`,
    `src/wasm/metering/module.test.ts: threads (atomic instructions)`,
  ),
  shown(
    30,
    'compile bombs, deep nesting, 10^5 types',
    `${PREPARE}: is refused in the child`,
    'src/wasm/component/prepare/trial.test.ts: that is a bomb ends in the child',
    `${ATTACKS}: attack-bomb-small`,
  ),
  shown(
    31,
    'hundreds of crashes with memory',
    `${MEMORY}: 31: 400 agents that crash with 2 MiB each`,
    'test/kernel/memory.test.ts: agents that are killed while they wait leave nothing mapped behind',
  ),

  shown(
    32,
    'every host function without its grant, outside of it, after it, beyond its limit',
    `${MATRIX}: $title: the grant is absent`,
    `${MATRIX}: $title: the arguments are out of scope`,
    `${MATRIX}: $title: the grant has expired`,
    `${MATRIX}: $title: every limit is reached`,
    'test/kernel/grants.test.ts: each is denied once, and the agent goes on',
    'src/wasm/host/wasi/index.test.ts: answers its typed error, counted once',
  ),
  shown(
    33,
    'handles that are forged, stale, dropped twice, of another resource',
    `${HANDLES}: 33: a handle %s ends the agent`,
    'src/wasm/host/abi/handles.test.ts: that is stale is refused though its slot is in use again',
  ),
  shown(
    33,
    'the handle of another agent',
    `${HANDLES}: 33: the handle of another agent names nothing`,
  ),
  shown(
    33,
    'what was lent or made of a handle, after that',
    `${HANDLES}: 33: what was made of a handle outlives it without harm`,
    'src/wasm/host/abi/handles.test.ts: can not be given away in the same call',
  ),
  shown(33, 'any arguments to any host function', `${FUZZ}: 33 and 58: they end as guests end`),
  shown(
    34,
    'a child with more than its parent has',
    `${REVOCATION}: %s is refused, and nothing is spawned`,
    `${REVOCATION}: an agent that spawns can give no more than it has`,
    `${REVOCATION}: are its own, in its modes or fewer, and cost no descriptor more`,
  ),
  shown(
    34,
    'a child without the grant, beyond its count, with higher limits',
    `${REVOCATION}: without spawn, beyond its count, or with a higher limit it is refused`,
  ),
  shown(
    34,
    'what was taken from the parent, kept by the child',
    `${REVOCATION}: what is revoked for the parent is revoked for the child and its child`,
    'src/capability/attenuate.property.test.ts: along a chain of spawns nobody reaches more',
  ),
  shown(
    35,
    'null, missing, empty, wildcards',
    `${GRANTS}: the tool is denied, counted, and not called`,
  ),
  shown(35, 'wrong types, unknown keys', `${GRANTS}: 35: %o is refused`),
  shown(
    36,
    'names of JavaScript as names of tools, headers, variables, agents',
    `${GRANTS}: 36: there is no tool %s unless one has that name`,
    `${GRANTS}: 36: a header %s is a header like others`,
    `${GRANTS}: 36: variables, arguments and names of agents`,
  ),
  shown(
    36,
    'records that pollute prototypes, getters',
    `${GRANTS}: 36: there is no tool %s unless one has that name`,
    `${GRANTS}: 36: a getter of the caller’s`,
  ),
  shown(
    37,
    'paths and stacks in what a guest is told',
    `${GRANTS}: 37: no answer of any host function says where the host is`,
    `${GRANTS}: 37: of a tool that %s the agent learns that it failed`,
  ),
  shown(
    38,
    'use after a revocation, of what was opened before too',
    `${REVOCATION}: files: what was opened before is denied too, and so is a stream of it`,
    `${MATRIX}: $title: the grant was revoked`,
  ),
  shown(
    38,
    'a call under way when its grant is revoked or expires',
    `${REVOCATION}: a receive that waits is cancelled, and answers denied`,
    `${REVOCATION}: a tool is told to stop, and its caller is answered denied at once`,
    `${REVOCATION}: a grant is in force until its time, and then denied`,
  ),
  shown(
    40,
    'arguments that a program could take for something else',
    `${EXEC}: is one argument, as it is: %j`,
    `${EXEC}: is refused where it could be taken for something else: %j`,
    `${EXEC}: begins with a dash only where that was meant`,
  ),
  shown(
    40,
    'the host’s environment, another program by PATH, a shell',
    `${EXEC}: has its own environment and directory, and none of the host`,
    `${EXEC}: is found by its path and nowhere else`,
    `${EXEC}: 40: a command is not offered`,
    `${EXEC}: that the agent could have changed is not run`,
  ),
  shown(
    40,
    'output without end, and programs that outlive the agent',
    `${EXEC}: that writes without end is ended at its bound`,
    `${EXEC}: and all that it has started end with the agent`,
    `${EXEC}: and all that it has started end when its time has passed`,
    `${EXEC}: what it leaves behind in its group ends with it`,
  ),
  shown(
    41,
    'calls of tools without number, arguments and answers that are bombs, streams without end',
    `${TOOLS}: 41: of 20,000 calls those are worked on that the limit allows`,
    `${TOOLS}: 36: 10^5 levels`,
    `${TOOLS}: 41: an answer of a gigabyte is refused before it is written`,
    `${TOOLS}: 41: streams without end are bounded, each and together`,
  ),
  shown(
    41,
    'an agent, or many of one owner, that keep a tool to themselves',
    `${TOOLS}: 41: an agent that asks without end leaves the turn after next to another`,
    `${TURNS}: that one agent has taken are given to others, up to as many as it keeps`,
    `${TURNS}: go round by owners, and by the agents of each`,
    `${TURNS}: that a stream has kept for long are for who waits, and are its own where nobody does`,
  ),
  shown(
    40,
    'descriptors that the program was left, by which a command or an MCP server would reach on',
    'test/mcp/descriptors.test.ts: 40: MCP servers and commands have no descriptor that the program was left',
  ),
  shown(
    41,
    'a client of `ringfence mcp` that asks without end, or does not read',
    `${MCP_CLIENTS}: have together as many bytes as may wait: more are answered busy`,
    `${MCP_CLIENTS}: is answered no list that it does not read`,
    `${MCP_CLIENTS}: is not read on for ever`,
    `${MCP_CLIENTS}: have together as many bytes as may be held: more are refused, and small ones go through`,
  ),
  shown(
    41,
    'mail that fills what the host holds for its receiver',
    `${NEIGHBOURS}: 41: leaves its receiver room for handles of its own`,
  ),
  shown(
    41,
    '10^6 messages, 64 MB in one, more requests than can wait',
    `${CONVERSATIONS}: 41: of 10^6 messages one who reads none gets 1,024`,
    `${CONVERSATIONS}: 41: a message of 64 MB ends its sender`,
    `${CONVERSATIONS}: 41: who asks more than it can wait for gives the oldest up`,
  ),
  shown(
    41,
    'messages to the dead, to nobody, to others’ agents; replies that nobody asked for',
    `${CONVERSATIONS}: 41: what is sent to the dead, to nobody and to others is refused`,
    `${CONVERSATIONS}: 41: replies under every id that a stranger can guess are for nobody`,
  ),
  shown(
    41,
    'storms of monitors of itself and of the dead, rings of links, floods of topics and timers',
    `${CONVERSATIONS}: 41: a storm of monitors of itself, of others and of the dead ends at its cap`,
    `${CONVERSATIONS}: 41: monitors of the dead are told at once, and none more while those lie unread`,
    `${CONVERSATIONS}: 41: a ring of links ends whole, each once, and nobody beside it`,
    `${CONVERSATIONS}: 41: who subscribes to everything has 256 topics`,
    `${CONVERSATIONS}: 41: who sets timers without end has 256`,
  ),

  shown(
    42,
    'crashing in a loop, before it has begun, while it is restarted',
    `${SUPERVISION}: ends when a child crashes in a loop`,
    `${SUPERVISION}: while children crash in a loop`,
    `${SUPERVISION}: for one that traps before it has begun`,
    'src/supervisor/decisions.test.ts: one that can not be started again is tried again',
  ),
  shown(
    42,
    'not ending when it is asked to',
    `${SUPERVISION}: ends by force who does not end in its time`,
    `${SUPERVISION}: tells who can hear it, and lets it end by itself`,
  ),
  shown(
    42,
    'crashing to get back what was revoked, or what a name leads to by now',
    `${SUPERVISION}: what was revoked is gone for the next`,
    `${SUPERVISION}: its directory is the one that was opened`,
  ),
  shown(
    43,
    'a thread that dies in the middle of requests and calls of tools',
    `${LOST_WORKERS}: 43: who asked one of them is told closed`,
    `${LOST_WORKERS}: 43: a tool that runs for one of them is told to stop`,
    `${LOST_WORKERS}: 43: who is supervised comes back, and who is not is gone`,
    'test/kernel/workers.test.ts: its agents exit as worker_lost with their usage',
  ),
  shown(
    44,
    'ending with timers, monitors, links and subscriptions, again and again',
    `${RESTARTS}: 44: the timers of 10^4 agents that crashed hold nothing`,
    `${RESTARTS}: 44: of 10^4 that were started again nothing is kept`,
  ),
  shown(
    45,
    'altering, dropping, moving and repeating events, line breaks, a clock that goes back',
    `${TAMPERING}: is found altered: %s`,
    `${TAMPERING}: is found altered where %s has a payload that is no object`,
    `${TAMPERING}: is found to miss an event`,
    `${TAMPERING}: is found reordered: two events that are swapped, and one that is moved`,
    `${TAMPERING}: is found to have an event twice: at once, and later`,
    `${TAMPERING}: is found to have time that goes back`,
  ),
  shown(
    45,
    'writing a chain anew, cutting off its end, another key',
    `${TAMPERING}: is found forked: all from an event on written anew, right hashes included`,
    `${TAMPERING}: is found truncated behind a checkpoint, an anchor, and in the middle of a line`,
    `${TAMPERING}: is found to be of the wrong key: the chain, a checkpoint, and an anchor`,
    `${TAMPERING}: is found to be nobody’s: written as a whole by somebody without the key that it names`,
  ),
  shown(
    45,
    'removing events and saying oneself that they were removed; forging receipts and proofs',
    `${TAMPERING}: is found to hide events where only an event that nobody has signed says they were removed`,
    'test/audit/proofs.test.ts: is refused, though the right key has signed it, with %s',
    'test/audit/proofs.test.ts: is refused beside a chain that is bad',
    'test/audit/resources.test.ts: is found to be another than the events say, by both',
  ),
  shown(
    45,
    'exports and stores made by hand: endless lines, deep JSON, names twice, links, damaged pages',
    'test/audit/hostile.test.ts: is found bad, and named: %s',
    'test/audit/hostile.test.ts: with 1 GB in one line fills no memory',
    'test/audit/hostile.test.ts: whose pages were written over is found bad, and ends nobody',
    'test/audit/hostile.test.ts: whose %s is a link is not written',
  ),
  shown(
    45,
    'a full disk, a kill between an act and its record',
    'test/audit/log.test.ts: stops what must be recorded, keeps what has happened, and goes on when there is room',
    'test/audit/crash.test.ts: kills at random moments',
    'test/audit/crash.test.ts: kills of a kernel whose agents act outside of it',
    'test/kernel/audit.test.ts: spawns nobody and calls no tool while it can not record',
  ),
  shown(
    46,
    'floods of output and of the log',
    `${TERMINAL}: 46: a flood of %s ends by fuel, and keeps a MiB`,
    `${TERMINAL}: 46: a flood of the log ends by fuel`,
    `${TERMINAL}: 46: a reader that takes nothing bounds what is written`,
  ),
  shown(
    46,
    'escapes to the operator’s terminal',
    `${TERMINAL}: 46: %s: nothing acts on the terminal`,
    'src/cli/main.test.ts: moves no cursor and sets no title',
  ),
  shown(
    46,
    'names of agents that are escapes or markup',
    `${TERMINAL}: 46: %s: nothing acts on the terminal`,
    `${NAMES}: 49: an agent called %j is called so`,
  ),
  shown(
    47,
    'memory, globals, tables, variables, seed, mail and handles of the agent before',
    `${REUSE}: 47: nothing, where it %s`,
    `${REUSE}: 47: what is looked for is found where the agent itself has left it`,
    `${RESTORED}: 47: nothing is left by one that %s`,
    `${RESTORED}: 47: what was asked of a tool is answered to who asked, and to nobody later`,
    `${RESTORED}: 47: of one that %s`,
    `${RESTORED}: 47: not of a module with %s`,
  ),
  shown(
    48,
    'the metered guest beside the plain one',
    'src/wasm/metering/differential.test.ts: do the same when they are metered',
    `${ENDS}: is the same every time and for every length of slices`,
  ),

  shown(
    49,
    'hostile names of imports and exports',
    `${ATTACKS}: attack-names`,
    `${ATTACKS}: attack-rce`,
    `${NAMES}: 49: an import with a name %s is refused`,
  ),
  shown(
    49,
    'hostile names of agents, tools and files',
    `${NAMES}: 49: an agent called %j is called so`,
    `${NAMES}: 49: a tool called %j is called by that name`,
    `${NAMES}: 49: a module in a file called %j`,
  ),
  shown(
    50,
    'imports of other types, that are missing, of a wrong resource',
    `${ATTACKS}: attack-types-enum`,
    `${ATTACKS}: attack-types-function`,
    `${ATTACKS}: attack-resource`,
  ),
  shown(
    50,
    'two versions; 10^5 imports',
    `${NAMES}: 50: two versions of one interface`,
    `${NAMES}: 50: version 0.3.0 beside one of ours`,
    `${PREPARE}: of 10^5 imports`,
  ),
  shown(
    51,
    'compile bombs of every kind',
    `${PREPARE}: of doubling types`,
    `${PREPARE}: of nested components`,
    `${PREPARE}: of 50 MB of zeros as code`,
    'src/wasm/metering/caps.test.ts: what V8 would abort the process on',
  ),
  shown(
    52,
    'allocation by the garbage collector',
    `${ATTACKS}: attack-gc`,
    `${NAMES}: 52: structures of the garbage collector`,
    `${NAMES}: 52: arrays of the garbage collector`,
    `${FEATURES}: are refused with isolation`,
    `${FEATURES}: are refused at each spawn that does not allow them`,
    `${FEATURES}: traps at its limit of memory, and nobody else ends`,
    `${FEATURES}: traps at what its process has, where it has no limit`,
    `${FEATURES}: leave nothing behind for the next agent of the module`,
    `${FEATURES}: run in a process where they are allowed`,
  ),
  shown(
    52,
    'relaxed SIMD, typed references',
    `${NAMES}: 52: relaxed SIMD`,
    `${FEATURES}: is refused where it is not`,
    `${FEATURES}: runs beside others where it is allowed`,
    `src/wasm/metering/proposals.test.ts: calls of references in a loop`,
    `src/wasm/metering/proposals.test.ts: can not call each other with a fuel that is made up`,
  ),
  shown(
    53,
    'throwing out of what spends, around loops and reallocs',
    `${ENDS}: throw-in-loop`,
    `${CALLS}: 53: nothing that was spent before a throw comes back`,
    `${CALLS}: 53: one that leaves a realloc is a trap`,
  ),
  shown(
    54,
    'waiting and ending in realloc and post-return',
    `${CALLS}: 54: %s: it is ended, and does not catch that`,
    `${ATTACKS}: attack-suspend-realloc`,
  ),
  shown(
    54,
    'waiting and ending in a start function',
    `${CALLS}: 54: a start function that waits is killed while it does`,
    `${ATTACKS}: attack-suspend-start`,
  ),
  shown(
    55,
    'a straight line of host calls after the kill',
    `${CALLS}: 55: not one of nine thousand is performed after the kill`,
    `${ENDS}: what is killed performs no further host call`,
  ),
  shown(
    56,
    'answers of tools, input, output and messages that are late',
    `${LATE}: 56: the answer of a tool is for nobody`,
    `${LATE}: 56: input that is read late is for nobody`,
    `${LATE}: 56: a message that waits for room is not delivered after its sender’s end`,
  ),
  shown(57, 'a kill in every kind of wait', `${REUSE}: 57: nothing stays mapped of 2,160 agents`),
  shown(
    58,
    'reallocs that trap, call, grow, overlap, point anywhere',
    `${CALLS}: 58: a realloc that %s ends the agent`,
    `${CALLS}: 58: one that overlaps what the host writes`,
    `${CALLS}: 58: one that grows asks within the limit`,
  ),
  shown(59, 'several core modules that spend', `${MODULES}: 59: they have one budget of fuel`),
  shown(
    59,
    'several memories that grow',
    `${MODULES}: 59: and 21: their memories and tables have one limit`,
  ),
  shown(
    60,
    'entries of the cache that are foreign, links, torn or altered',
    `${CACHE}: with byte %i altered is removed`,
    `${CACHE}: that is a symbolic link is removed`,
    `${CACHE}: torn after %i bytes is removed`,
    `${PREPARE}: an entry with a right hash whose module is not metered`,
  ),
  shown(
    60,
    'a cache that others may write to; two writers; other versions',
    `${PREPARE}: that others may write to nothing is prepared`,
    `${CACHE}: leave one whole entry and nothing else`,
    `${CACHE}: is another for another version of %s`,
  ),
];

/** Families whose tests are listed elsewhere, or come with what they are about. */
export const ELSEWHERE: ReadonlyMap<number, string> = new Map();
