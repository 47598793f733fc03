/**
 * Cloudflare's workerd, a dynamic worker a life, without a network, asked over HTTP as its server is:
 * https://developers.cloudflare.com/dynamic-workers/getting-started/ and workerd.capnp in its package.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { requireAnswer, SCRIPTS } from '../job.ts';
import { NO_FENCES, type SubjectModule } from '../subject.ts';

/** On a port that the system chooses, told on descriptor 3. */
const CONFIG = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "loader", worker = .loader)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "loader")],
);
const loader :Workerd.Worker = (
  modules = [(name = "loader.js", esModule = embed "loader.js")],
  compatibilityDate = "2026-11-01",
  bindings = [(name = "LOADER", workerLoader = ())],
);
`;

/** `/JOB` loads a worker for once that does it; `/keep` one under a name, which stays. */
const LOADER = `const scripts = ${JSON.stringify({ ...SCRIPTS, keep: '1' })};
export default {
  async fetch(request, env) {
    const job = new URL(request.url).pathname.slice(1);
    const code = {
      compatibilityDate: '2026-11-01',
      mainModule: 'job.js',
      modules: {
        'job.js': \`const now = () => Date.now();
          export default { fetch: () => new Response(String(\${scripts[job]})) };\`,
      },
      env: {},
      globalOutbound: null,
    };
    const worker = job === 'keep'
      ? env.LOADER.get(crypto.randomUUID(), () => code)
      : env.LOADER.load(code);
    return await worker.getEntrypoint().fetch('http://job/');
  },
};
`;

/** The package's own way to its program. */
function program(): string {
  return (createRequire(import.meta.url)('workerd') as { default: string }).default;
}

export const subject: SubjectModule = {
  fences: {
    ...NO_FENCES,
    capabilities: true,
    caveat: 'it is no hardened sandbox, its README says',
  },
  packageName: 'workerd',
  kept: 50,
  lives: 200,
  async open({ component }) {
    const folder = join(dirname(component), 'workerd');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'config.capnp'), CONFIG);
    writeFileSync(join(folder, 'loader.js'), LOADER);
    const server = spawn(
      program(),
      ['serve', '--experimental', '--control-fd=3', join(folder, 'config.capnp')],
      { stdio: ['ignore', 'ignore', 'inherit', 'pipe'], env: {} },
    );
    process.once('exit', () => server.kill('SIGKILL'));
    process.once('SIGTERM', () => process.exit());
    const [told] = (await once(server.stdio[3] as Readable, 'data')) as [Buffer];
    const { port } = JSON.parse(told.toString()) as { port: number };
    const agent = new Agent({ keepAlive: true });
    const ask = async (path: string): Promise<number> => {
      const request = get({ host: '127.0.0.1', port, path: `/${path}`, agent });
      const [response] = (await once(request, 'response')) as [Readable];
      return Number(await text(response));
    };
    return {
      async run(job) {
        requireAnswer(job, await ask(job));
      },
      async keep() {
        await ask('keep');
        // It unloads them when it wants to.
        return () => {};
      },
    };
  },
};
