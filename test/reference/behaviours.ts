/**
 * What the reference kernel's own tests are about, in our words, and what became of each: `kept`, `fixed`
 * (it said so and did not do it, or did it wrongly), `other` (the same need, met in another way) or `none`.
 * Tests are named as `path: title`.
 */

export const AREAS = [
  'supervisor',
  'process',
  'monitor',
  'ipc',
  'topic',
  'dead letters',
  'reliable delivery',
  'timer',
  'cron',
  'pipe',
  'health',
  'metrics',
] as const;
export type Area = (typeof AREAS)[number];

/** One behaviour of the reference. */
export interface Behaviour {
  readonly area: Area;
  readonly what: string;
  readonly became: 'kept' | 'fixed' | 'other' | 'none';
  /** What is different, or why there is none. */
  readonly how?: string;
  readonly tests: readonly string[];
}

const SUPERVISION = 'test/kernel/supervision.test.ts';
const DECISIONS = 'src/supervisor/decisions.test.ts';
const RULES = 'src/supervisor/rules.test.ts';
const TABLE = 'src/process/table.test.ts';
const TALK = 'test/kernel/conversation.test.ts';
const MESSAGES = 'test/kernel/messages.test.ts';
const RELATIONS = 'src/ipc/relations.test.ts';
const LETTERS = 'src/ipc/dead-letters.test.ts';
const SCHEDULE = 'src/schedule/schedule.test.ts';
const JOBS = 'test/kernel/schedule.test.ts';
const TIMERS = 'src/wasm/worker/timers.test.ts';
const PIPES = 'src/ipc/pipes.test.ts';
const HEALTH = 'src/health/health.test.ts';
const METRICS = 'src/metrics/exposition.test.ts';

export const BEHAVIOURS: readonly Behaviour[] = [
  {
    area: 'supervisor',
    what: 'a spawned agent has a row with its name, parent and grants',
    became: 'fixed',
    how: 'nothing is granted by default, and a child gets no more than its parent has',
    tests: [
      'test/kernel/views.test.ts: says all of an agent that runs: whose child, its grants, mailbox and children',
      'test/kernel/revocation.test.ts: an agent that spawns can give no more than it has',
    ],
  },
  {
    area: 'supervisor',
    what: 'a full table refuses one more',
    became: 'fixed',
    how: 'who has exited takes no place',
    tests: [
      'test/kernel/scheduling.test.ts: the table is full at its capacity, and has room again when an agent has ended',
    ],
  },
  {
    area: 'supervisor',
    what: 'a graceful stop asks, a forced one ends at once',
    became: 'fixed',
    how: 'who does not end in its time is ended by force',
    tests: [
      `${SUPERVISION}: tells who can hear it, and lets it end by itself: %s`,
      `${SUPERVISION}: ends by force who does not end in its time, and at once who can not hear`,
    ],
  },
  {
    area: 'supervisor',
    what: 'stopping one that has exited succeeds, one that never was is an error',
    became: 'kept',
    tests: [
      'src/kernel/agent.test.ts: killing it does nothing',
      `${TABLE}: says which pid it does not know`,
    ],
  },
  {
    area: 'supervisor',
    what: 'a restart has a new pid, the name and the grants of the old one',
    became: 'fixed',
    how: 'it runs, with its environment and input, and gets back nothing that was revoked',
    tests: [
      `${SUPERVISION}: of one child leaves the others, and a restart starts it under a new pid`,
      `${SUPERVISION}: what was revoked is gone for the next, though it crashed before or after`,
    ],
  },
  {
    area: 'supervisor',
    what: 'agents are listed and counted, by state',
    became: 'kept',
    tests: ['test/kernel/views.test.ts: by state, the exited among them'],
  },
  {
    area: 'supervisor',
    what: 'work that is run is running, then has exited with its code',
    became: 'kept',
    tests: [
      'test/kernel/ends.test.ts: with a code of its own',
      'test/kernel/native.test.ts: has a pid, a name, a report and a result',
    ],
  },
  {
    area: 'supervisor',
    what: 'work hears that it is cancelled and chooses how it ends',
    became: 'kept',
    tests: [
      'test/kernel/native-ends.test.ts: hears it by its signal, and by its mail where it may have some',
      `${TALK}: a graceful stop is heard`,
    ],
  },
  {
    area: 'supervisor',
    what: 'all are ended at a shutdown, those that do not hear too',
    became: 'fixed',
    how: 'nobody runs on who is reported as ended',
    tests: [
      `${SUPERVISION}: %s: nothing runs after it, and nothing comes back`,
      'test/kernel/suspension.test.ts: closing the kernel ends it',
      'test/kernel/native-ends.test.ts: with its kernel is reported',
    ],
  },
  {
    area: 'supervisor',
    what: 'a sweep ends those whose task is gone',
    became: 'fixed',
    how: 'a thread or process that does not answer is found as well, and supervised agents start again',
    tests: [
      'test/kernel/watchdog.test.ts: whose host is silent is reaped; the others are not',
      'test/kernel/watchdog.test.ts: all agents of a silent thread are reaped, and started again where a supervisor has them',
    ],
  },
  {
    area: 'supervisor',
    what: 'a backend that there is not is refused by its name',
    became: 'kept',
    tests: [
      'test/kernel/native-ends.test.ts: on the backend %s, by its name, whatever is to be run',
    ],
  },
  {
    area: 'supervisor',
    what: 'spawn and exit are told with name, pid and parent',
    became: 'other',
    how: 'to who watches, and in the audit chain',
    tests: ['test/kernel/views.test.ts: tells a life from its spawn to its exit, beside the list'],
  },
  {
    area: 'supervisor',
    what: 'strategies and budget have defaults; 100 ms, doubled, up to 30 s',
    became: 'fixed',
    how: 'the wait is waited',
    tests: [
      `${RULES}: the waits are those of the reference: 100 ms, doubled, up to 30 s`,
      `${DECISIONS}: doubles with each end, and starts over after a stable time`,
    ],
  },
  {
    area: 'supervisor',
    what: 'a budget of restarts is used up, and one more refused',
    became: 'fixed',
    how: 'it is that of the children, whatever their pids, and its window slides',
    tests: [
      `${RULES}: the fifth restart in 60 s is allowed, the sixth is not`,
      `${RULES}: slides, where the reference begins anew with each window: 5 and 5 around its edge are refused`,
      `${SUPERVISION}: ends when a child crashes in a loop: after its intensity, and its siblings with it`,
    ],
  },
  {
    area: 'supervisor',
    what: 'what each strategy restarts after which exit',
    became: 'fixed',
    how: 'when to restart is said of each child; its names are understood',
    tests: [
      `${RULES}: the strategies of the reference: Permanent never restarts, the others even after a normal end`,
      `${SUPERVISION}: restarts by the type of the child: permanent always, transient after a failure only`,
    ],
  },
  {
    area: 'supervisor',
    what: 'an exit restarts the one, all, or those after it',
    became: 'fixed',
    how: 'by itself; among the children of one supervisor; all that must stop have ended before any starts',
    tests: [
      `${SUPERVISION}: %s: who is stopped, and who is started, in order`,
      `${DECISIONS}: is down, all of it, before anybody is started; a slow one holds all up`,
      `${SUPERVISION}: starts who was killed again, under a new pid, without anyone calling`,
    ],
  },
  {
    area: 'supervisor',
    what: 'limits are told at 80 %, and passed at 100 %',
    became: 'fixed',
    how: 'they are enforced where they are used up',
    tests: [
      'test/kernel/resource-warnings.test.ts: is told to itself, and to its parent',
      'src/resource/limit-marks.test.ts: 80 %% of %s are told once, and less is not',
      `${MESSAGES}: a flood ends at the limit of messages, and the receiver’s mailbox holds no more than it may`,
    ],
  },
  {
    area: 'supervisor',
    what: 'an exit blends scores of its agent',
    became: 'kept',
    tests: ['src/scores/scores.test.ts: blends three tenths of what it says into what was known'],
  },
  {
    area: 'process',
    what: 'pids count from 1 and are never used again; 0 is the kernel',
    became: 'kept',
    tests: [`${TABLE}: gives out pids from 1 and never one again`],
  },
  {
    area: 'process',
    what: 'rows are added and removed, the table is full at its capacity',
    became: 'fixed',
    how: 'who has exited leaves at once, and stays readable within a bound',
    tests: [
      `${TABLE}: is full at its capacity; who exited leaves it at once and stays readable`,
      `${TABLE}: bounds its history`,
    ],
  },
  {
    area: 'process',
    what: 'states follow each other as they may, and in no other way',
    became: 'kept',
    tests: [
      `${TABLE}: from %s to %s`,
      'test/kernel/suspension.test.ts: is refused of one that is starting, has exited, or was never there',
    ],
  },
  {
    area: 'process',
    what: 'a pid that nobody has is an error',
    became: 'kept',
    tests: [`${TABLE}: says which pid it does not know`],
  },
  {
    area: 'process',
    what: 'usage is kept with its process',
    became: 'fixed',
    how: 'it counts up only, and survives its worker',
    tests: [
      'src/resource/control-blocks.test.ts: counts up to what its fields hold, and never round to less',
      'test/kernel/workers.test.ts: its agents exit as worker_lost with their usage, the others go on, and new ones run',
    ],
  },
  {
    area: 'process',
    what: 'capabilities can be set while it runs',
    became: 'other',
    how: 'grants are given and revoked one by one, and never wider than where they come from',
    tests: [
      'test/kernel/revocation.test.ts: it happens once, and nothing else is revoked',
      'src/capability/registry.test.ts: gives a child what its parent has, and never more',
    ],
  },
  {
    area: 'monitor',
    what: 'a link is mutual, and linking again changes nothing',
    became: 'kept',
    tests: [`${RELATIONS}: a link is that of both, once, and either ends it`],
  },
  {
    area: 'monitor',
    what: 'an unlinked one is not concerned',
    became: 'kept',
    tests: [`${TALK}: an unlinked one stays`],
  },
  {
    area: 'monitor',
    what: 'each monitor has an id of its own, and can be given up',
    became: 'fixed',
    how: 'by who holds it only',
    tests: [
      `${RELATIONS}: no two monitors have one id, also where one fires at once`,
      `${RELATIONS}: a monitor counts for who watches, and is given up by nobody else`,
    ],
  },
  {
    area: 'monitor',
    what: 'an end concerns all that are linked and each monitor, and nothing of it is left',
    became: 'fixed',
    how: 'they are told, and what the ended one watched is given up, too',
    tests: [
      `${RELATIONS}: an end concerns whom it is linked to and each monitor of it, in their order, once`,
      `${TALK}: tell once, with the reason; at once where nobody is there`,
      `${TALK}: end the other with one that ends other than normally`,
    ],
  },
  {
    area: 'monitor',
    what: 'the reason is told: normal, a crash with its text, killed, timeout',
    became: 'fixed',
    how: 'a normal end ends nobody',
    tests: [
      `${TALK}: an end that is normal, and one that is not`,
      `${TALK}: a normal end ends nobody, and is told to who traps exits`,
    ],
  },
  {
    area: 'ipc',
    what: 'a message reaches its receiver, oneself too, in order',
    became: 'kept',
    tests: [
      `${MESSAGES}: two agents that are granted each other talk`,
      'test/kernel/native.test.ts: come from who they come from, in order, and by sender',
      'src/ipc/mailbox.test.ts: keeps the order of many that come and go, by filters too',
    ],
  },
  {
    area: 'ipc',
    what: 'a broadcast goes to all in scope but the sender',
    became: 'kept',
    tests: [`${TALK}: a broadcast reaches whom its sender may send to, and who may receive`],
  },
  {
    area: 'ipc',
    what: 'a scope of pids, or none, is held',
    became: 'fixed',
    how: 'the parent can be a scope, and the sender is who the kernel knows it to be',
    tests: [
      `${MESSAGES}: an agent whose scope does not reach the other is denied, typed and counted`,
      'src/capability/scope.test.ts: %s: whether it reaches the parent, and pid 9',
    ],
  },
  {
    area: 'ipc',
    what: 'a full mailbox refuses and stays',
    became: 'fixed',
    how: 'a sender can wait for room',
    tests: [
      'src/ipc/mailbox.test.ts: is full at 1,024 messages, and has room again when one is taken',
      `${MESSAGES}: a full mailbox is an error at once, or a wait with a deadline`,
    ],
  },
  {
    area: 'ipc',
    what: 'who has no mailbox (any more) is told of as such',
    became: 'fixed',
    how: 'a mailbox is there from the spawn and goes with its owner',
    tests: [`${MESSAGES}: sending to who has ended, or was never there, says so`],
  },
  {
    area: 'ipc',
    what: 'one that does not run sends nothing; one that is suspended may have',
    became: 'kept',
    how: 'a suspended agent does nothing, and its mail is kept',
    tests: [
      'test/kernel/ends.test.ts: what is killed performs no further host call',
      'test/kernel/suspension.test.ts: one that waits is not woken; its mail is kept, in order, and taken when it goes on',
    ],
  },
  {
    area: 'ipc',
    what: 'a service is reached by its name, with a method or without; an unknown one is an error',
    became: 'fixed',
    how: 'under a grant of its own, and a name never leads to who has ended',
    tests: [
      `${TALK}: a service leads to whoever provides it, for those who are granted it`,
      'src/ipc/services.test.ts: who has ended provides nothing, and the others what they did',
    ],
  },
  {
    area: 'ipc',
    what: 'a request has its reply or its timeout, and nothing is left of it',
    became: 'fixed',
    how: 'replies are routed, from who was asked only, once; an end is told at once',
    tests: [
      `${TALK}: a request is answered once, by who was asked`,
      `${TALK}: a wait for a reply has its time`,
      `${TALK}: who waits for a reply of one that ends is told, asked and not, taken and not`,
      'src/ipc/conversations.test.ts: requests that wait are bounded: the oldest is given up for one more',
    ],
  },
  {
    area: 'ipc',
    what: 'a message can go to the kernel',
    became: 'fixed',
    how: 'the program gets it, and can reply',
    tests: [`${TALK}: the program asks, and is asked`],
  },
  {
    area: 'ipc',
    what: 'another node can not be reached without a mesh',
    became: 'kept',
    tests: [`${TALK}: a broadcast reaches whom its sender may send to, and who may receive`],
  },
  {
    area: 'ipc',
    what: '16 MiB are the most of a message',
    became: 'fixed',
    how: 'on every way',
    tests: [
      `${MESSAGES}: a message of more than 16 MiB is refused, one that the receiver’s host memory can’t take too`,
      'test/kernel/native.test.ts: are no more than the host may hold',
    ],
  },
  {
    area: 'ipc',
    what: 'a gate before each send permits, denies or defers',
    became: 'other',
    how: 'grants are that gate; what is deferred is a request for more, and denied meanwhile',
    tests: [
      'test/kernel/revocation.test.ts: deferred: it waits for a person, and counts as denied meanwhile',
    ],
  },
  {
    area: 'ipc',
    what: 'payloads for tool calls, signals and RVF; JSON lines to a stream outside; pids of other nodes',
    became: 'none',
    how: 'tools have calls of their own, what the host tells is no payload, and there are no other nodes',
    tests: [],
  },
  {
    area: 'topic',
    what: 'who has subscribed gets it once, in order, and not the publisher',
    became: 'fixed',
    how: 'under a grant of the topic, looked at again for each message',
    tests: [
      'src/ipc/topics.test.ts: subscribers are told in the order in which they came, each once',
      `${TALK}: reach those who have subscribed and may, until they leave or may no longer`,
    ],
  },
  {
    area: 'topic',
    what: 'leaving one, or all; an empty topic is gone; who has ended is dropped',
    became: 'fixed',
    how: 'at the end, not at the next message',
    tests: [
      'src/ipc/topics.test.ts: nothing is left of who has ended, and of nobody else',
      `${TALK}: nothing is left of an agent that has ended`,
    ],
  },
  {
    area: 'topic',
    what: 'a topic of nobody is published to without an error',
    became: 'kept',
    tests: [`${TALK}: reach those who have subscribed and may, until they leave or may no longer`],
  },
  {
    area: 'dead letters',
    what: 'the oldest go for newer ones',
    became: 'fixed',
    how: 'and are counted; their bytes are bounded, too',
    tests: [
      `${LETTERS}: the oldest go where there are too many, and are counted`,
      `${LETTERS}: the oldest go where they take too many bytes`,
    ],
  },
  {
    area: 'dead letters',
    what: 'they are found by receiver, reason and time',
    became: 'kept',
    tests: [`${LETTERS}: by receiver, sender, reason and time, and by all of these`],
  },
  {
    area: 'dead letters',
    what: 'one is taken out to be sent again',
    became: 'kept',
    tests: [`${LETTERS}: one is taken out once, and its bytes with it`],
  },
  {
    area: 'dead letters',
    what: 'what reaches nobody becomes one',
    became: 'fixed',
    how: 'what an ended agent had not read, too',
    tests: [
      'test/kernel/dead-letters.test.ts: what an agent has sent to another that never read it, with who it was from',
      'test/kernel/dead-letters.test.ts: what the program sends where there is no room, or nobody any more; it is told so too',
    ],
  },
  {
    area: 'reliable delivery',
    what: 'sent again until it is acknowledged, each time with more time, three retries',
    became: 'fixed',
    how: 'it sends by itself, and the last attempt has its time, too',
    tests: [
      'src/ipc/reliable.test.ts: an attempt has twice the time of the one before, up to the most',
      'src/ipc/reliable.test.ts: that nobody acknowledges is given up after three retries, each with its time',
      'test/kernel/reliable.test.ts: what is replied to is acknowledged, with the reply',
    ],
  },
  {
    area: 'reliable delivery',
    what: 'what is given up is a dead letter; one can be cancelled',
    became: 'kept',
    tests: [
      'test/kernel/reliable.test.ts: what nobody replies to is a dead letter, with its attempts',
      'test/kernel/reliable.test.ts: is given up by its signal and with the kernel, and is no dead letter then',
    ],
  },
  {
    area: 'timer',
    what: 'one that rings once is gone then, one that repeats stays',
    became: 'fixed',
    how: 'they ring by themselves, on a clock that nobody sets',
    tests: [
      `${TIMERS}: one that rings once does so when it is due, and is held until that was taken`,
      `${TIMERS}: one that repeats rings again only when that was taken, and makes up for nothing`,
      `${TALK}: ring once, or again and again, until they are cancelled`,
    ],
  },
  {
    area: 'timer',
    what: 'one that is cancelled never rings; ids are never used again',
    became: 'kept',
    tests: [`${TIMERS}: one that was cancelled before never rings, and one that never was is none`],
  },
  {
    area: 'timer',
    what: 'those of one owner are cancelled, others are not',
    became: 'fixed',
    how: 'at the owner’s end, by itself; and each owner has a bound',
    tests: [
      `${TIMERS}: at its owner’s end none rings any more, and nothing is held`,
      `${TIMERS}: there are as many as there may be, also of those whose ring was not taken`,
    ],
  },
  {
    area: 'cron',
    what: 'jobs are added, listed and removed',
    became: 'kept',
    tests: [`${JOBS}: calls a function, until it is cancelled, and tells the run under way`],
  },
  {
    area: 'cron',
    what: 'the first run is at once, the next after each interval',
    became: 'other',
    how: 'the first is after one interval, and none drifts',
    tests: [
      `${SCHEDULE}: counts from the start, does not drift, and does not care about the wall clock`,
    ],
  },
  {
    area: 'cron',
    what: 'missed runs become one',
    became: 'kept',
    how: 'by default; there are other policies',
    tests: [`${SCHEDULE}: whose runs were slept through: %s makes %i of 6`],
  },
  {
    area: 'cron',
    what: 'a job that sends fails for ever when its target has gone',
    became: 'fixed',
    how: 'it goes with its target, and with its owner',
    tests: [
      `${JOBS}: sends a message, and is gone with the receiver`,
      `${JOBS}: is gone with its owner, and others are not`,
    ],
  },
  {
    area: 'cron',
    what: 'a job that is switched off does not run',
    became: 'other',
    how: 'it is cancelled, and scheduled again',
    tests: [`${SCHEDULE}: end with their job, which tells them; no timer is left`],
  },
  {
    area: 'pipe',
    what: 'one is made under a name, once; what is written is read, from several writers',
    became: 'kept',
    tests: [
      `${PIPES}: keeps the order of all that is written, whoever writes, and hands it to one who waits`,
      `${PIPES}: have a name each, and are no more than there may be`,
    ],
  },
  {
    area: 'pipe',
    what: 'a full one refuses',
    became: 'fixed',
    how: 'or lets one wait',
    tests: [`${PIPES}: that is full refuses at once, or lets one wait, in order`],
  },
  {
    area: 'pipe',
    what: 'it outlives its reader',
    became: 'fixed',
    how: 'the next one goes on where the last one stopped',
    tests: [`${PIPES}: goes on with its next reader where the last one stopped`],
  },
  {
    area: 'pipe',
    what: 'one that nobody is at is gone after a time',
    became: 'fixed',
    how: 'by itself, and with its owner',
    tests: [
      `${PIPES}: is gone when its time has passed, and not while somebody is`,
      `${PIPES}: are gone with their owner, and those of others are not`,
    ],
  },
  {
    area: 'health',
    what: 'the whole follows from its parts',
    became: 'kept',
    how: 'and a part that is essential makes the whole unhealthy',
    tests: [
      `${HEALTH}: is %s where its parts are %j`,
      `${HEALTH}: is unhealthy where an essential part is, and says all reasons by name`,
    ],
  },
  {
    area: 'health',
    what: 'checks are asked one after another, and one that hangs holds all up',
    became: 'fixed',
    how: 'each has its time',
    tests: [
      `${HEALTH}: one that hangs is unknown, holds nobody up, and is asked again when it has answered`,
    ],
  },
  {
    area: 'health',
    what: 'probes with thresholds say when to restart',
    became: 'other',
    how: 'the watchdog ends who does not answer, and its supervisor starts it again',
    tests: [
      'test/kernel/watchdog.test.ts: a kernel that was opened with a watchdog sweeps by itself, and says what it did',
    ],
  },
  {
    area: 'metrics',
    what: 'counters, gauges and built-in names',
    became: 'fixed',
    how: 'they count; they are read where they are kept, and labels are bounded',
    tests: [
      `${METRICS}: says what is read, with its type and its labels`,
      'test/kernel/metrics.test.ts: spawns, exits, restarts, messages, denials, and what is there now',
      'src/metrics/tally.test.ts: denials are told apart by capabilities that there are; what a process makes up is other',
    ],
  },
  {
    area: 'metrics',
    what: 'a counter goes up, a gauge both ways',
    became: 'kept',
    tests: [`${METRICS}: a counter never goes down; a gauge does`],
  },
  {
    area: 'metrics',
    what: 'histograms with percentiles',
    became: 'none',
    how: 'nothing is measured on the way of a message; the reference writes none either',
    tests: [],
  },
];
