/**
 * Goal: a chain, a key or a place that an attacker has prepared is found and named; it neither ends the program
 * nor fills its memory. Method: files as nobody's log writes them, each beside one that is good.
 */

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashOf, lineOf, splitLine } from '../../src/audit/event.ts';
import {
  type AuditOptions,
  createAuditKey,
  exportChain,
  httpAnchor,
  notesOf,
  openAudit,
  proveEvent,
  readEvents,
  readResources,
  verifyChain,
} from '../../src/index.ts';
import { TestChain } from '../support/audit/chain.ts';
import { titled } from '../support/skipped.ts';

let root: string;
let options: AuditOptions;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ringfence-hostile-'));
  options = { directory: join(root, 'chain'), key: createAuditKey(join(root, 'key')) };
});
afterEach(() => rmSync(root, { recursive: true }));

const code = (expected: string) => expect.objectContaining({ code: expected });

const chain = new TestChain();
chain.add({ kind: 'app.event', agentId: 'a\u2028b', payload: { data: 1, name: 'x' } });
chain.sign();

function file(content: string | Buffer): string {
  const path = join(root, 'chain.jsonl');
  writeFileSync(path, content);
  return path;
}

const TEXT = `${chain.lines.join('\n')}\n`;

async function eventsOf(path: string): Promise<number> {
  let events = 0;
  for await (const _ of readEvents(path)) {
    events += 1;
  }
  return events;
}

/** The second event with another payload and its right hash. */
function withPayload(payload: string): string {
  const body = (splitLine(chain.lines[1] ?? '')?.body ?? '').replace(
    /"payload":\{.*?\},"pid"/,
    () => `"payload":${payload},"pid"`,
  );
  return `${chain.lines[0]}\n${lineOf(body, hashOf(body))}\n`;
}

describe('an export', () => {
  it('is read to its end where a name has what some take for the end of a line', async () => {
    expect(await eventsOf(file(TEXT))).toBe(2);
    expect(await verifyChain(file(TEXT))).toMatchObject({ valid: true, events: 2 });
  });

  it.each<[string, () => string | Buffer]>([
    ['a BOM', () => `\ufeff${TEXT}`],
    ['CRLF', () => TEXT.replaceAll('\n', '\r\n')],
    ['an empty line', () => TEXT.replace('\n', '\n\n')],
    ['a line of 1 MB', () => `${chain.lines[0]}\n${'x'.repeat(1_000_000)}\n`],
    ['a line of 1 MB without an end', () => `${chain.lines[0]}\n${'x'.repeat(1_000_000)}`],
    ['a NUL', () => TEXT.replace('"payload"', '"pay\0load"')],
    ['bytes that are no UTF-8', () => Buffer.concat([Buffer.from([0xff]), Buffer.from(TEXT)])],
    ['lists in lists', () => withPayload(`{"data":${'['.repeat(30_000)}${']'.repeat(30_000)}}`)],
    ['objects in objects', () => withPayload(`${'{"a":'.repeat(12_000)}1${'}'.repeat(12_000)} `)],
    ['brackets that do not end', () => withPayload(`{"data":${'['.repeat(60_000)}`)],
    ['a name twice', () => withPayload('{"data":1,"data":2,"name":"x"}')],
    ['a name twice in another writing', () => withPayload('{"d\\u0061ta":1,"data":2,"name":"x"}')],
    ['__proto__ as a name', () => withPayload('{"name":"x","__proto__":1}')],
    ['a number that is none', () => withPayload('{"data":NaN,"name":"x"}')],
    ['a number too large', () => withPayload('{"data":1e400,"name":"x"}')],
    ['a lone surrogate', () => withPayload('{"data":"\\ud800","name":"x"}')],
    ['a payload that is null', () => withPayload('null')],
    ['nothing', () => ''],
  ])('is found bad, and named: %s', async (_, make) => {
    const path = file(make());
    const verdict = await verifyChain(path);
    expect(verdict).toMatchObject({ valid: false, problem: { line: expect.any(Number) } });
    // Who only looks is told, too, or sees what can be seen; the program goes on.
    await eventsOf(path).catch((error: unknown) => expect(error).toEqual(code('RF_AUDIT_INVALID')));
  });

  it('with 1 GB in one line fills no memory', async () => {
    const path = join(root, 'endless.jsonl');
    const handle = openSync(path, 'w');
    writeSync(handle, 'x', 2 ** 30);
    closeSync(handle);
    const before = process.memoryUsage().rss;
    expect((await verifyChain(path)).problem).toMatchObject({ reason: 'altered', line: 1 });
    await expect(eventsOf(path)).rejects.toThrow(code('RF_AUDIT_INVALID'));
    // Half of the line: what the runner itself takes meanwhile is far less.
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 29);
  });

  it.each(['agent_id', 'kind', 'pid', 'payload', 'time_ms'])(
    'without %s is no event to who looks',
    async (name) => {
      const { body } = splitLine(chain.lines[0] ?? '') ?? { body: '' };
      const { [name]: _, ...rest } = JSON.parse(body) as Record<string, unknown>;
      const other = JSON.stringify(rest);
      await expect(eventsOf(file(`${lineOf(other, hashOf(other))}\n`))).rejects.toThrow(
        code('RF_AUDIT_INVALID'),
      );
    },
  );
});

describe('a store', () => {
  const fill = async (): Promise<void> => {
    const log = await openAudit(options);
    for (let index = 0; index < 500; index += 1) {
      log.append({ kind: 'app.event', payload: { name: 'x', data: 'y'.repeat(500) } });
    }
    await log.close();
  };

  it('whose pages were written over is found bad, and ends nobody', async () => {
    await fill();
    const path = join(options.directory, 'chain.sqlite');
    expect(await verifyChain(options.directory)).toMatchObject({ valid: true });
    const bytes = readFileSync(path);
    bytes.fill(0xaa, 3 * 16_384, bytes.length - 16_384);
    writeFileSync(path, bytes);
    const bad = await verifyChain(options.directory).catch((error: unknown) => error);
    expect(bad).toSatisfy(
      (said: { code?: string; valid?: boolean }) =>
        said.code === 'RF_AUDIT_INVALID' || said.valid === false,
    );
    const opened = await openAudit(options).catch((error: unknown) => error);
    expect(opened).toMatchObject({ code: expect.stringMatching(/^RF_AUDIT/) });
  });

  it.each([
    ['a hash that is none', `UPDATE events SET hash = 7 WHERE seq = 3`],
    ['a body that is none', `UPDATE events SET body = x'ff00' WHERE seq = 3`],
    ['a body with a line in it', `UPDATE events SET body = body || char(10) || body WHERE seq = 3`],
    ['a checkpoint that is none', `UPDATE checkpoints SET note = 'no' || char(10) || 'note'`],
    ['a block that is none', `INSERT INTO pruned VALUES (0, x'00')`],
  ])('with %s is found bad', async (_, tamper) => {
    await fill();
    const database = new DatabaseSync(join(options.directory, 'chain.sqlite'));
    database.exec(tamper);
    database.close();
    const bad = await verifyChain(options.directory).catch((error: unknown) => error);
    expect(bad).toSatisfy(
      (said: { code?: string; valid?: boolean }) =>
        said.code === 'RF_AUDIT_INVALID' || said.valid === false,
    );
  });

  it('that is no database, or not there, is said so by each who reads', async () => {
    mkdirSync(options.directory);
    writeFileSync(
      join(options.directory, 'chain.sqlite'),
      'no database at all, but long enough'.repeat(100),
    );
    for (const path of [options.directory, root]) {
      const refused = expect.objectContaining({
        code: expect.stringMatching(/^RF_(FILE|AUDIT_INVALID)$/),
      });
      await expect(verifyChain(path)).rejects.toThrow(refused);
      await expect(eventsOf(path)).rejects.toThrow(refused);
      expect(() => [...exportChain(path)]).toThrow(refused);
      expect(() => proveEvent(path, 0)).toThrow(refused);
      expect(() => readResources(path)).toThrow(refused);
    }
  });

  it('is nobody else’s to read or to write in', async () => {
    await (await openAudit(options)).close();
    expect(statSync(options.directory).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(options.directory)) {
      expect(statSync(join(options.directory, name)).mode & 0o777).toBe(0o600);
    }
    chmodSync(options.directory, 0o770);
    await expect(openAudit(options)).rejects.toThrow(/mode 770/);
    chmodSync(options.directory, 0o755);
    await (await openAudit(options)).close();
  });

  it.each(['chain.sqlite', 'writer.lock'])('whose %s is a link is not written', async (name) => {
    mkdirSync(options.directory, { mode: 0o700 });
    const elsewhere = join(root, 'elsewhere');
    symlinkSync(elsewhere, join(options.directory, name));
    await expect(openAudit(options)).rejects.toThrow(/no plain file/);
    expect(existsSync(elsewhere)).toBe(false);
    rmSync(join(options.directory, name));
    await (await openAudit(options)).close();
  });
});

describe('an anchor', () => {
  it('whose last line was cut off is gone on with, and one that is none is refused', async () => {
    const path = join(root, 'anchor');
    const { fileAnchor } = await import('../../src/index.ts');
    const anchor = fileAnchor(path);
    const [note = ''] = chain.checkpoints;
    await anchor.put(note);
    writeFileSync(path, `${readFileSync(path, 'utf8')}{"checkpoint":"ringfence-au`);
    expect(await anchor.last?.()).toBe(note);
    await anchor.put(note);
    expect(notesOf(readFileSync(path, 'utf8'))).toEqual([note, note]);
    expect(await anchor.last?.()).toBe(note);
    for (const wrong of [
      '{"checkpoint":7}\\n"}\n',
      '{"a":"\\n"}\n',
      '{"checkpoint":"","b":"\\n"}\n',
      '{"x":1}\n',
      '{"x":1',
    ]) {
      expect(() => notesOf(wrong)).toThrow(code('RF_USAGE'));
    }
  });

  it('in git is read no further than a checkpoint goes', async () => {
    const { gitAnchor } = await import('../../src/index.ts');
    const [note = ''] = chain.checkpoints;
    const anchor = gitAnchor(root);
    expect(await anchor.last?.()).toBe(null);
    writeFileSync(join(root, 'checkpoint'), note);
    expect(await anchor.last?.()).toBe(note);
    truncateSync(join(root, 'checkpoint'), 2 ** 40);
    await expect(anchor.last?.()).rejects.toThrow(code('RF_USAGE'));
  });

  it('is not reached with a password in its address, which is not told', () => {
    expect(() => httpAnchor('https://user:geheim@example.org/')).toThrow(
      expect.objectContaining({ code: 'RF_USAGE', message: expect.not.stringContaining('geheim') }),
    );
    expect(() => httpAnchor('file:///etc/passwd')).toThrow(code('RF_USAGE'));
    expect(httpAnchor('https://example.org/secret').name).toBe('https://example.org');
  });

  it('is not reached with a header that can not be sent, whose value is not told', () => {
    const anchor = (name: string, value: string) =>
      httpAnchor('https://example.org', { headers: { [name]: value } });
    for (const [name, value] of [
      ['authorization', 'geheim\nx: y'],
      ['authorization', 'geheim\u2028'],
      ['no name', 'geheim'],
    ] as const) {
      expect(() => anchor(name, value)).toThrow(
        expect.objectContaining({
          code: 'RF_USAGE',
          message: expect.not.stringContaining('geheim'),
        }),
      );
    }
    expect(anchor('authorization', 'geheim').name).toBe('https://example.org');
  });
});

/** A file system that has 2 MB; null: none can be had here. */
function smallFileSystem(path: string): (() => void) | null {
  mkdirSync(path);
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', path]);
  return status === 0 ? () => spawnSync('umount', [path]) : null;
}

const probe = mkdtempSync(join(tmpdir(), 'ringfence-mount-'));
const unmountProbe = smallFileSystem(join(probe, 'fs'));
unmountProbe?.();
rmSync(probe, { recursive: true });
const WHY_NO_MOUNT = unmountProbe === null ? 'no file system can be mounted' : null;

it.skipIf(WHY_NO_MOUNT !== null)(
  titled(
    'a file system that is full stops what must be recorded, and all goes on when it has room',
    WHY_NO_MOUNT,
  ),
  async () => {
    const path = join(root, 'small');
    const unmount = smallFileSystem(path);
    const warnings: string[] = [];
    const filler = join(path, 'filler');
    try {
      const log = await openAudit({
        ...options,
        directory: join(path, 'chain'),
        onWarning: (text) => warnings.push(text),
      });
      const event = (name: string) =>
        ({ kind: 'app.event', payload: { name, data: 'x'.repeat(3000) } }) as const;
      await log.recorded(event('fits'));
      spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k']);
      while (log.problem === null) {
        await log.recorded(event('fits')).catch(() => {});
      }
      expect(log.problem).toMatchObject({
        code: 'RF_AUDIT',
        message: expect.stringMatching(/make room|disk fails/),
      });
      log.append(event('has happened'));
      await expect(log.recorded(event('must not happen'))).rejects.toThrow(code('RF_AUDIT'));
      rmSync(filler);
      await expect.poll(() => log.problem).toBe(null);
      await log.recorded(event('again'));
      await log.close();
      const names: unknown[] = [];
      for await (const { payload } of readEvents(join(path, 'chain'), { kinds: ['app.event'] })) {
        names.push(payload.name);
      }
      expect(names.slice(-2)).toEqual(['has happened', 'again']);
      expect(names).not.toContain('must not happen');
      const verdict = await verifyChain(join(path, 'chain'), {
        keys: [log.key ?? ''],
        strict: true,
      });
      expect(verdict).toMatchObject({ valid: true, resources: { compared: true } });
      expect(warnings).toHaveLength(2);
    } finally {
      unmount?.();
    }
  },
);
