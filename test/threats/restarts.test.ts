/**
 * Family 44: agents that end with timers, monitors, links and subscriptions of theirs, again and again.
 * Goal: nothing of them stays. Method: 10^4 real agents, whose timers would hold gigabytes; and 10^4 in
 * the supervisor alone, where what is kept can be counted.
 */

import { describe, expect, it } from 'vitest';
import { agentsWorld } from '../support/agents-world.ts';
import { actsOf, useFence } from './support/fence.ts';
import { GuestText, PLACE } from './support/guest-text.ts';

const AGENTS = 10_000;
const TOGETHER = 50;
const patient = { timeout: 300_000 };

const TIMERS = 32;
const PAYLOAD_BYTES = 32 * 1024;
/** Of this process. If they stayed, the timers of all would hold ten gigabytes. */
const GROWTH_BYTES_MAX = 1024 ** 3;

const fence = useFence();
const text = new GuestText()
  .use('ringfence:agent/timers', 'after', '$after')
  .use('ringfence:agent/process', 'monitor', '$monitor')
  .use('ringfence:agent/process', 'self', '$self')
  .use('ringfence:agent/ipc', 'subscribe', '$subscribe');
const news = text.text('news');
const run = actsOf(
  fence,
  text.act(
    'begins much and crashes',
    `(local.set $i (i32.const ${TIMERS}))
     (loop $l
       (call $after (i64.const 86400000) (i32.const 2) (i32.const 0) (i32.const ${PAYLOAD_BYTES})
         (i32.const ${PLACE}))
       (if (i32.load8_u (i32.const ${PLACE})) (then (return (i32.const ${PLACE}))))
       (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
     (call $monitor (i64.const 1) (i32.const ${PLACE}))
     (call $monitor (call $self) (i32.const ${PLACE}))
     (call $subscribe ${news.operands} (i32.const ${PLACE}))
     (unreachable)`,
  ),
);

describe('family 44: what agents leave behind', () => {
  it('44: the timers of 10^4 agents that crashed hold nothing', patient, async () => {
    const crash = async (): Promise<void> => {
      const { report } = await run('begins much and crashes', { grants: { ipc: 'all' } });
      expect(report.exit).toMatchObject({ reason: 'trap' });
    };
    const together = () => Promise.all(Array.from({ length: TOGETHER }, () => crash()));
    await together();
    const before = process.memoryUsage.rss();
    for (let ended = TOGETHER; ended < AGENTS; ended += TOGETHER) {
      await together();
    }
    expect(process.memoryUsage.rss() - before).toBeLessThan(GROWTH_BYTES_MAX);
    expect(await fence().kernel.publish('news', 'anybody?')).toBe(0);
  });

  it('44: of 10^4 that were started again nothing is kept: no monitor, link, topic or request', async () => {
    const { supervisor, spawn } = agentsWorld(2);
    const watcher = spawn();
    for (let restart = 0; restart < AGENTS; restart += 1) {
      const agent = spawn();
      const { pid } = agent.start;
      await Promise.all([
        watcher.ask({ ask: 'monitor', pid }),
        agent.ask({ ask: 'monitor', pid: watcher.start.pid }),
        agent.ask({ ask: 'monitor', pid }),
        agent.ask({ ask: 'subscribe', topic: `topic ${restart}` }),
        agent.ask({ ask: 'trap-exit', enabled: true }),
        agent.request({ tag: 'process', pid: watcher.start.pid }, 'how'),
        watcher.request({ tag: 'process', pid }, 'how'),
      ]);
      supervisor.router.link(watcher.start.pid, pid);
      expect(supervisor.router.size).toBeGreaterThan(8);
      supervisor.router.unlink(watcher.start.pid, pid);
      supervisor.router.link(pid, pid);
      agent.end('trap');
      expect(supervisor.router.size).toBe(0);
      while (watcher.take({ tag: 'any' }) !== null) {
        // Taken out, so that there is room for the next.
      }
    }
    expect(watcher.taken.filter(({ tag }) => tag === 'down')).toHaveLength(AGENTS);
    watcher.end('normal');
    expect(supervisor.list()).toEqual([]);
  });
});
