/**
 * Goal: what agents do arrives at a collector, as OpenTelemetry has it, with nothing in it that is nobody else's;
 * a collector that is slow or down holds up nobody. Method: a real collector on this machine that says what has
 * arrived, and real agents.
 */

import { context, trace } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  type KernelOptions,
  type OpenTelemetry,
  type OpenTelemetryOptions,
  openKernel,
  openTelemetry,
} from '../../src/index.ts';
import { QUEUE_MAX } from '../../src/opentelemetry/bounded.ts';
import { type Collector, startCollector } from '../support/collector.ts';
import { guest, testKernel } from '../support/kernel.ts';
import { startHttp } from '../support/network/servers.ts';
import { spawnPuppet } from '../support/puppet.ts';

let collector: Collector;
let telemetry: OpenTelemetry;
const opened: AsyncDisposable[] = [];
beforeEach(async () => {
  collector = await startCollector();
});
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) {
    await each[Symbol.asyncDispose]();
  }
  await telemetry?.close();
  await collector[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
});

async function kernelWith(options: OpenTelemetryOptions = {}, more: KernelOptions = {}) {
  telemetry = await openTelemetry({ endpoint: collector.url, ...options });
  const world = await testKernel({ workers: 1, telemetry, ...more });
  opened.push(world.kernel);
  return world.kernel;
}

describe('what arrives', () => {
  test('an agent is a span, its tools and its children are below it, its log is of it', async () => {
    const kernel = await kernelWith({ headers: { authorization: 'Bearer t' }, serviceName: 's' });
    kernel.registerTool({ name: 'add', description: 'Adds.' }, () => 3);
    const module = await kernel.load(guest('puppet'), { name: 'puppet' });
    const puppet = await spawnPuppet(kernel, module, {
      agentId: 'parent',
      grants: { tools: 'all', spawn: 2 },
    });
    const { pid } = puppet.agent;
    expect(await puppet.tell('tool add {}')).toBe('tool ok 3');
    await puppet.tell('tool made-up {}');
    const child = await kernel.spawn({ module, parent: puppet.agent, stdin: 'end\n' });
    await child.exited;
    await puppet.end();
    const logs = await kernel.spawn({
      agentId: 'logs',
      work: (context) => context.log('warn', 'something happened'),
    });
    await logs.exited;
    await kernel.close();
    await telemetry.close();

    const agent = collector.span('invoke_agent', pid);
    expect(agent).toMatchObject({
      parentSpanId: '',
      status: 0,
      attributes: {
        'gen_ai.agent.name': 'parent',
        'gen_ai.operation.name': 'invoke_agent',
        'ringfence.agent.isolation': 'shared',
        'ringfence.module.sha256': module.digest,
        'ringfence.exit.reason': 'normal',
        'ringfence.usage.tool_calls': 2,
      },
    });
    expect(agent?.endMs).toBeGreaterThanOrEqual(agent?.startMs ?? 0);
    const below = { traceId: agent?.traceId, parentSpanId: agent?.spanId };
    expect(collector.span('invoke_agent', child.pid)).toMatchObject(below);
    expect(collector.span('execute_tool add', pid)).toMatchObject({
      ...below,
      status: 0,
      attributes: { 'gen_ai.tool.name': 'add', 'ringfence.tool.argument_bytes': 2 },
    });
    expect(collector.span('execute_tool', pid)).toMatchObject({
      ...below,
      status: 2,
      attributes: { 'error.type': 'not-found' },
    });
    const logged = collector.span('invoke_agent', logs.pid);
    expect(collector.logs).toMatchObject([
      {
        traceId: logged?.traceId,
        spanId: logged?.spanId,
        severity: 13,
        body: 'something happened',
        attributes: { 'gen_ai.agent.name': 'logs' },
      },
    ]);
    expect(collector.resources[0]).toEqual({
      'service.name': 's',
      'service.version': expect.any(String),
    });
    expect(collector.headers.map(([path]) => path)).toEqual(
      expect.arrayContaining(['/v1/traces', '/v1/logs', '/v1/metrics']),
    );
    expect(collector.headers[0]?.[1]).toMatchObject({ authorization: 'Bearer t' });
    expect(telemetry.counts()).toMatchObject({
      spans: { sent: collector.spans.length, failed: 0, dropped: 0, waiting: 0 },
      logs: { sent: 1, failed: 0, dropped: 0, waiting: 0 },
    });
  });

  test('metrics are those of the kernel, read at the same place', async () => {
    const kernel = await kernelWith({ attributes: { 'deployment.environment.name': 'test' } });
    const module = await kernel.load(guest('hello'));
    for (let each = 0; each < 3; each += 1) {
      await (await kernel.spawn({ module })).exited;
    }
    const text = await kernel.metrics();
    await kernel.close();
    await telemetry.close();
    expect(text).toContain('ringfence_agent_spawns_total 3');
    const about = { 'deployment.environment.name': 'test' };
    expect(collector.metrics.get('ringfence.agent_spawns')).toEqual({
      name: 'ringfence.agent_spawns',
      unit: '1',
      isCounter: true,
      points: [{ attributes: about, value: 3 }],
    });
    expect(collector.metrics.get('ringfence.agent_exits')?.points).toEqual([
      { attributes: { ...about, 'ringfence.reason': 'normal' }, value: 3 },
    ]);
    const fuel = Number(/ringfence_fuel_units_total (\d+)/.exec(text)?.[1]);
    expect(collector.metrics.get('ringfence.fuel_units')?.points[0]?.value).toBe(fuel);
    expect(collector.metrics.get('ringfence.cpu')).toMatchObject({ unit: 's', isCounter: true });
    expect(collector.metrics.get('ringfence.memory')).toMatchObject({
      unit: 'By',
      isCounter: false,
    });
    expect(collector.span('invoke_agent', 1)?.attributes).toMatchObject(about);
  });

  test('what ends other than it should is an error, and its words are nobody else’s', async () => {
    const kernel = await kernelWith();
    const module = await kernel.load(guest('puppet'));
    const failed = await kernel.spawn({
      work: () => {
        throw new Error('the password is hunter2');
      },
    });
    await failed.exited;
    kernel.registerTool({ name: 'keep', description: 'Keeps.' }, () => 'an answer of hunter2');
    const puppet = await spawnPuppet(kernel, module, {
      grants: { tools: 'all' },
      environment: { TOKEN: 'hunter2' },
      arguments: ['hunter2'],
    });
    await puppet.tell('tool keep {"password":"hunter2"}');
    await puppet.end();
    await kernel.close();
    await telemetry.close();
    expect(collector.span('invoke_agent', failed.pid)).toMatchObject({
      status: 2,
      attributes: { 'error.type': 'error', 'ringfence.agent.backend': 'native' },
    });
    const all = collector.bodies.join();
    expect(all).not.toContain('hunter2');
    // An agent without a name has that of its file, and nothing of where that is.
    expect(collector.span('invoke_agent', puppet.agent.pid)?.attributes).toMatchObject({
      'gen_ai.agent.name': 'puppet.wasm',
    });
    expect(all).not.toContain('guest-examples');
  });

  test('a request goes on with the trace of its client, and without one begins its own', async () => {
    const kernel = await kernelWith();
    const module = await kernel.load(guest('http-puppet'));
    const service = kernel.serve({ module });
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
    const url = 'http://localhost/count';
    await (await service.handle(new Request(url, { headers }))).text();
    await (
      await service.handle(
        new Request(`${url}?token=hunter2`, { headers: { traceparent: 'nonsense' } }),
      )
    ).text();
    await service.close();
    await kernel.close();
    await telemetry.close();
    const [first, second] = collector.spans.filter(({ name }) => name === 'GET');
    expect(first).toMatchObject({
      kind: 2,
      traceId,
      parentSpanId: '00f067aa0ba902b7',
      attributes: {
        'http.request.method': 'GET',
        'http.response.status_code': 200,
        'url.path': '/count',
      },
    });
    expect(collector.span('invoke_agent', 1)).toMatchObject({
      traceId,
      parentSpanId: first?.spanId,
    });
    expect(second).toMatchObject({ parentSpanId: '', attributes: { 'url.path': '/count' } });
    expect(second?.traceId).not.toBe(traceId);
    expect(collector.bodies.join()).not.toContain('hunter2');
  });

  test.each(['shared', 'process'] as const)(
    'a server that the program names is told the agent’s span, isolation %s; no other server is',
    { timeout: 120_000 },
    async (isolation) => {
      const seen: Record<string, (string | undefined)[]> = { named: [], other: [] };
      const [named, other] = await Promise.all(
        Object.values(seen).map((told) =>
          startHttp((request, response) => {
            told.push(request.headers.traceparent as string | undefined);
            response.end('heard');
          }),
        ),
      );
      const kernel = await kernelWith(
        {},
        {
          catalogue: { tools: ['http.fetch'] },
          network: { traceTo: [`http://127.0.0.1:${named}`] },
        },
      );
      const module = await kernel.load(guest('http-puppet'));
      const service = kernel.serve({ module, isolation, grants: { network: ['127.0.0.1'] } });
      const url = (port: number | undefined) => `http://example.test/get/127.0.0.1:${port}/`;
      for (const port of [named, other]) {
        expect(await (await service.handle(new Request(url(port)))).text()).toBe('heard');
      }
      await service.close();
      const fetches = await kernel.spawn({
        grants: { network: ['127.0.0.1'], tools: ['http.fetch'] },
        work: async ({ callTool }) => {
          await callTool('http.fetch', { url: `http://127.0.0.1:${named}/` });
          await callTool('http.fetch', { url: `http://127.0.0.1:${other}/` });
        },
      });
      await fetches.exited;
      await kernel.close();
      await telemetry.close();
      const traceparent = ({ traceId, spanId }: { traceId: string; spanId: string }) =>
        `00-${traceId}-${spanId}-01`;
      const agents = collector.spans.filter(({ name }) => name === 'invoke_agent');
      expect(seen.named).toHaveLength(2);
      expect(agents.map(traceparent)).toEqual(expect.arrayContaining(seen.named ?? []));
      const fetched = collector.span('invoke_agent', fetches.pid);
      expect(seen.named?.[1]).toBe(fetched && traceparent(fetched));
      expect(seen.other).toEqual([undefined, undefined]);
    },
  );

  test.each([
    'https://a.test/',
    'https://a.test:443',
    'HTTPS://a.test',
    'https://user@a.test',
    '*.a.test',
    'a.test',
    'file:///a',
    '',
  ])('a server is named by its origin: %j is none', async (origin) => {
    await expect(openKernel({ network: { traceTo: [origin] } })).rejects.toMatchObject({
      code: 'RF_USAGE',
      message: expect.stringContaining('traceTo'),
    });
  });

  test('host calls are spans where they are asked for, and only there', async () => {
    const names = async (hostCalls: number): Promise<string[]> => {
      collector.spans.length = 0;
      const kernel = await kernelWith({ hostCalls });
      const module = await kernel.load(guest('puppet'));
      const puppet = await spawnPuppet(kernel, module);
      expect(await puppet.tell('clock')).toMatch(/^clock ok/);
      await puppet.end();
      await kernel.close();
      await telemetry.close();
      const agent = collector.span('invoke_agent', puppet.agent.pid);
      const calls = collector.spans.filter(({ parentSpanId }) => parentSpanId === agent?.spanId);
      return calls.map(({ name }) => name.replace(/@[\d.]+/, ''));
    };
    expect(await names(1)).toEqual(
      expect.arrayContaining([
        'wasi:clocks/monotonic-clock#now',
        'wasi:clocks/monotonic-clock#resolution',
      ]),
    );
    expect(await names(0)).toEqual([]);
  });

  test('values are cut, whoever has chosen them', async () => {
    const kernel = await kernelWith();
    const agent = await kernel.spawn({
      agentId: 'n'.repeat(256),
      work: (context) => context.log('info', 'x'.repeat(9_000)),
    });
    await agent.exited;
    await kernel.close();
    await telemetry.close();
    expect(String(collector.logs[0]?.body)).toHaveLength(4_096);
  });
});

describe('whose it is', () => {
  test('the program’s own providers, where it has some: spawns stand below what it does', async () => {
    const exporter = new InMemorySpanExporter();
    const tracerProvider = new TracerProvider({
      spanProcessors: [new SimpleSpanProcessor({ exporter })],
    });
    telemetry = await openTelemetry({ providers: { tracerProvider } });
    const kernel = await openKernel({ workers: 1, telemetry, cacheDirectory: null });
    await (await kernel.spawn({ work: () => 1 })).exited;
    await kernel.close();
    expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['invoke_agent']);
    expect(telemetry.counts()).toBe(null);
    expect(collector.bodies).toEqual([]);
  });

  test('what they throw is the operator’s to know, and holds up nobody', async () => {
    const wrong = (): never => {
      throw new Error('a processor fails');
    };
    for (const hooks of [{ onStart: wrong }, { onEnd: wrong }]) {
      const nothing = { onStart: () => {}, onEnd: () => {} };
      const ends = { forceFlush: async () => {}, shutdown: async () => {} };
      const tracerProvider = new TracerProvider({
        spanProcessors: [{ ...nothing, ...ends, ...hooks }],
      });
      telemetry = await openTelemetry({ providers: { tracerProvider } });
      const world = await testKernel({ workers: 1, telemetry });
      opened.push(world.kernel);
      world.kernel.registerTool({ name: 'add', description: 'Adds.' }, () => 3);
      const agent = await world.kernel.spawn({
        work: (context) => context.callTool('add'),
        grants: { tools: 'all' },
      });
      expect((await agent.exited).exit.reason).toBe('normal');
      expect(agent.result).toBe(3);
      expect(world.warnings[0]).toBe('telemetry failed: a processor fails');
    }
  });

  test('without any, the program’s is asked and there is none: nothing is sent', async () => {
    telemetry = await openTelemetry({ providers: 'program' });
    const kernel = await openKernel({ workers: 1, telemetry, cacheDirectory: null });
    expect((await (await kernel.spawn({ work: () => 1 })).exited).exit.reason).toBe('normal');
    await kernel.close();
    expect(trace.getSpan(context.active())).toBeUndefined();
  });

  test('the environment says where, where nobody else does', async () => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url);
    vi.stubEnv('OTEL_SERVICE_NAME', 'of the environment');
    const kernel = await kernelWith({ endpoint: undefined });
    await (await kernel.spawn({ work: () => 1 })).exited;
    await kernel.close();
    await telemetry.close();
    expect(collector.spans).toHaveLength(1);
    expect(collector.resources[0]).toMatchObject({ 'service.name': 'of the environment' });
  });

  test('one kernel’s: a second is refused, and wrong options are', async () => {
    await kernelWith();
    await expect(openKernel({ telemetry })).rejects.toThrow(
      expect.objectContaining({ code: 'RF_USAGE' }),
    );
    for (const wrong of [{ endpoint: 'ftp://x' }, { sample: 2 }, { providers: {}, nonsense: 1 }]) {
      await expect(openTelemetry(wrong as OpenTelemetryOptions)).rejects.toThrow(
        expect.objectContaining({ code: 'RF_USAGE' }),
      );
    }
  });

  test('of the traces that begin here a share is kept', async () => {
    const kernel = await kernelWith({ sample: 0 });
    await (await kernel.spawn({ work: () => 1 })).exited;
    await kernel.close();
    await telemetry.close();
    expect(collector.spans).toEqual([]);
    expect(collector.metrics.get('ringfence.agent_spawns')?.points[0]?.value).toBe(1);
  });
});

describe('a collector that', () => {
  const LINES = 3 * QUEUE_MAX;

  /** Logs far more than may wait. */
  async function logMuch(): Promise<number> {
    const kernel = await kernelWith({ metricsMs: 100 });
    const agent = await kernel.spawn({
      work: async (context) => {
        for (let line = 0; line < LINES; line += 1) {
          context.log('info', `line ${line}`);
        }
      },
    });
    const report = await agent.exited;
    expect(report.exit.reason).toBe('normal');
    await kernel.close();
    return LINES;
  }

  test('stalls holds up nobody: what has no room is dropped and counted', async () => {
    collector.isStalled = true;
    await logMuch();
    const { logs } = telemetry.counts() ?? {};
    expect((logs?.waiting ?? 0) + (logs?.dropped ?? 0) + (logs?.failed ?? 0)).toBe(LINES);
    expect(logs?.waiting).toBeLessThanOrEqual(QUEUE_MAX);
    expect(logs?.dropped).toBeGreaterThanOrEqual(LINES - 2 * QUEUE_MAX);
    // Within its time, though nobody answers.
    await telemetry.close();
  }, 60_000);

  test.each([503, 400])(
    'answers %i is said to be down, and what it did not take is counted',
    async (status) => {
      collector.status = status;
      const warnings: string[] = [];
      const kernel = await kernelWith({ onWarning: (text) => warnings.push(text) });
      await (await kernel.spawn({ work: () => 1 })).exited;
      await kernel.close();
      await telemetry.close();
      expect(telemetry.counts()?.spans).toMatchObject({ sent: 0, dropped: 0 });
      expect(collector.spans).toEqual([]);
      if (status === 400) {
        expect(telemetry.counts()?.spans).toMatchObject({ failed: 1, waiting: 0 });
        expect(warnings[0]).toMatch(/^spans can't be sent to the collector/);
      }
    },
    60_000,
  );

  test('is not there is no other', async () => {
    const gone = collector;
    collector = await startCollector();
    await gone[Symbol.asyncDispose]();
    const kernel = await kernelWith({ endpoint: gone.url });
    expect((await (await kernel.spawn({ work: () => 1 })).exited).exit.reason).toBe('normal');
    await kernel.close();
    await telemetry.close();
    expect(telemetry.counts()?.spans.sent).toBe(0);
  }, 60_000);
});
