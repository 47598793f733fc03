/** Goal: `--otel` sends what a run does where the environment says, and nothing is sent without it. */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Collector, startCollector } from '../support/collector.ts';
import { guest } from '../support/kernel.ts';
import { LAUNCHER } from './ringfence.ts';

let collector: Collector;
beforeAll(async () => {
  collector = await startCollector();
});
afterAll(() => collector[Symbol.asyncDispose]());
beforeEach(() => {
  collector.bodies.length = 0;
  collector.spans.length = 0;
});

async function run(
  options: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly stderr: string }> {
  const command = [LAUNCHER, 'run', ...options, fileURLToPath(guest('hello'))];
  const env = { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...variables };
  try {
    const { stderr } = await promisify(execFile)(process.execPath, command, { env });
    return { status: 0, stderr };
  } catch (error) {
    const { code, stderr } = error as { readonly code: number; readonly stderr: string };
    return { status: code, stderr };
  }
}

describe('--otel', () => {
  test('sends the run, as the environment says', async () => {
    expect(await run(['--otel'], { OTEL_SERVICE_NAME: 'of a test' })).toMatchObject({ status: 0 });
    expect(collector.span('invoke_agent')).toMatchObject({
      attributes: { 'gen_ai.agent.name': 'hello', 'ringfence.exit.reason': 'normal' },
    });
    expect(collector.metrics.get('ringfence.agent_spawns')?.points[0]?.value).toBe(1);
    expect(collector.resources.at(-1)).toMatchObject({ 'service.name': 'of a test' });
    expect(collector.bodies.join()).not.toContain('guest-examples');
  });

  test('of serve goes on with the traces of clients', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const command = [LAUNCHER, 'serve', '--otel', '--addr', ':0', '--json'];
    const env = { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    const server = spawn(process.execPath, [...command, fileURLToPath(guest('http-puppet'))], {
      env,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const [line] = (await once(createInterface(server.stdout), 'line')) as [string];
    const { url } = JSON.parse(line) as { readonly url: string };
    const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
    expect(await (await fetch(`${url}hello`, { headers })).text()).toBe('hello');
    server.kill('SIGTERM');
    await once(server, 'exit');
    expect(collector.span('GET')).toMatchObject({ traceId, parentSpanId: '00f067aa0ba902b7' });
    expect(collector.span('invoke_agent')).toMatchObject({
      traceId,
      parentSpanId: collector.span('GET')?.spanId,
    });
  });

  test('without it nothing is sent, whatever the environment says', async () => {
    expect(await run([])).toMatchObject({ status: 0 });
    expect(collector.bodies).toEqual([]);
  });

  test('is off where the environment turns it off', async () => {
    expect(await run(['--otel'], { OTEL_SDK_DISABLED: 'true' })).toMatchObject({ status: 0 });
    expect(collector.bodies).toEqual([]);
  });

  test('keeps the share that the environment says', async () => {
    expect(await run(['--otel'], { OTEL_TRACES_SAMPLER: 'always_off' })).toMatchObject({
      status: 0,
    });
    expect(collector.spans).toEqual([]);
    expect(collector.bodies).not.toEqual([]);
  });

  test.each([
    { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    { OTEL_TRACES_SAMPLER: 'jaeger_remote' },
    { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '7' },
  ])('refuses what it does not have: %j', async (variables) => {
    const { status, stderr } = await run(['--otel'], variables);
    expect(status).toBe(2);
    expect(stderr).toMatch(/Cannot use --otel with /);
    expect(collector.bodies).toEqual([]);
  });
});
