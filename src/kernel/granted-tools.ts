/**
 * Tools as agents reach them: by the grants that they hold when they call, with arguments that fit their
 * schemas, and for as long as the grant is in force. The gate has looked at the name, in the agent's thread or
 * process; here, in the program's thread, it is looked at again, and so are the arguments, whatever the isolation.
 */

import { schemasOf } from '../capability/arguments.ts';
import { CAPABILITY_NAME, type Grant, type GrantId, type ToolScope } from '../capability/grant.ts';
import { reachesTool } from '../capability/scope.ts';
import type { ToolListing } from '../ipc/question.ts';
import { compileSchema, type Misfit, type Validator } from '../json-schema/validator.ts';
import type { Pid } from '../process/state.ts';
import { Alarm } from '../resource/alarm.ts';
import type { ToolUses } from '../supervisor/tool-uses.ts';
import type { ToolOutcome } from '../tools/outcome.ts';
import type { Admission, ToolRegistry } from '../tools/registry.ts';
import type { ToolDescription, ToolHandler } from '../tools/tool.ts';
import type { ToolAudit } from './audit-tools.ts';

/** Compiled schemas of grants that are kept: agents of a program share few. */
const VALIDATORS_MAX = 1_000;

const DENIED_OPERATION = 'tools.call: the arguments';

/** What is known of the agent that calls. */
export interface CallingAgent {
  readonly pid: Pid;
  readonly agentId: string;
  readonly tools: ToolUses;
  readonly admitted: { readonly owner: string };
  deny(capability: string, operation: string): void;
}

/** Where the agents and their grants are. */
export interface GrantedToolsOptions {
  readonly registry: ToolRegistry;
  find(pid: Pid): CallingAgent | undefined;
  /** Those that are in force. */
  grantsOf(pid: Pid): readonly Grant[];
  /** Records what is done with them; null: nobody does. */
  readonly audit: ToolAudit | null;
}

interface ToolGrant {
  readonly id: GrantId;
  readonly owner: Pid;
  readonly scope: ToolScope;
  readonly expiresAtMs: number | null;
}

/** A grant under which a tool was called. */
interface Used {
  readonly owner: Pid;
  readonly gone: AbortController;
  readonly expiry: Alarm | null;
}

/** The tools of a kernel, and which agent may call which with what. */
export class GrantedTools {
  readonly #options: GrantedToolsOptions;
  readonly #validators = new Map<string, Validator>();
  readonly #used = new Map<GrantId, Used>();

  constructor(options: GrantedToolsOptions) {
    this.#options = options;
  }

  /** See {@link ToolRegistry.register}. */
  register(description: ToolDescription, handler: ToolHandler): void {
    this.#options.registry.register(description, handler);
    this.#options.audit?.registered(description);
  }

  /** See {@link ToolRegistry.unregister}. */
  unregister(name: string): boolean {
    const wasThere = this.#options.registry.unregister(name);
    if (wasThere) {
      this.#options.audit?.unregistered(name);
    }
    return wasThere;
  }

  /** An agent calls a tool. */
  async call(
    name: string,
    argumentsJson: string,
    { pid, agentId, signal }: { pid: Pid; agentId: string; signal: AbortSignal },
  ): Promise<ToolOutcome> {
    const { registry, audit } = this.#options;
    const begunMs = performance.now();
    const agent = this.#options.find(pid);
    const tool = registry.has(name) ? name : null;
    const ended = agent?.tools.begin(tool);
    const recorded = audit?.call({ pid, agentId, tool, argumentsJson });
    const outcome = await registry.call(name, argumentsJson, {
      pid,
      agentId,
      owner: agent?.admitted.owner ?? '',
      signal,
      admit: (args) => this.#admit(pid, name, args),
      ...(recorded && { begin: () => recorded.begin() }),
    });
    recorded?.ended(outcome);
    ended?.(outcome.tag === 'err', performance.now() - begunMs);
    return outcome;
  }

  /** What an agent is told of the tools that it may call, with what their arguments have to be for it. */
  list(pid: Pid): ToolListing[] {
    const scopes = this.#grantsOf(pid).map(({ scope }) => scope);
    return this.#options.registry.list().flatMap((listing) => {
      const reaching = scopes.filter((scope) => reachesTool(scope, listing.name));
      return reaching.length === 0 ? [] : [narrowedListing(listing, reaching)];
    });
  }

  /** Grants are no longer in force: what was called under them is given up. */
  revoked(grants: readonly Pick<Grant, 'id'>[]): void {
    for (const { id } of grants) {
      this.#end(id);
    }
  }

  /** An agent has ended. */
  exited(pid: Pid): void {
    for (const [id, { owner }] of [...this.#used]) {
      if (owner === pid) {
        this.#end(id);
      }
    }
    this.#options.registry.exited(pid);
  }

  #grantsOf(pid: Pid): ToolGrant[] {
    return this.#options
      .grantsOf(pid)
      .flatMap((grant) => (grant.kind === 'tools' ? [grant as ToolGrant] : []));
  }

  #admit(pid: Pid, name: string, args: unknown): Admission {
    let misfit: Misfit | null = null;
    for (const grant of this.#grantsOf(pid)) {
      if (reachesTool(grant.scope, name)) {
        const found = this.#misfit(schemasOf(grant.scope, name), args);
        if (found === null) {
          return { until: this.#until(grant) };
        }
        misfit ??= found;
      }
    }
    this.#options.find(pid)?.deny(CAPABILITY_NAME.tools, DENIED_OPERATION);
    // What the schema asks for is not said: it can hold what only the host should know.
    const where = misfit === null ? '' : ` at 'arguments${misfit.path}'`;
    return {
      denied: `tools.call is outside of the scope that was granted${where}: widen the scope of ${CAPABILITY_NAME.tools}`,
    };
  }

  #misfit(schemas: readonly string[], args: unknown): Misfit | null {
    for (const schema of schemas) {
      const misfit = this.#validator(schema)(args);
      if (misfit !== null) {
        return misfit;
      }
    }
    return null;
  }

  #validator(schema: string): Validator {
    const known = this.#validators.get(schema);
    if (known !== undefined) {
      return known;
    }
    const [oldest] = this.#validators.keys();
    if (this.#validators.size >= VALIDATORS_MAX && oldest !== undefined) {
      this.#validators.delete(oldest);
    }
    const made = compileSchema(JSON.parse(schema));
    this.#validators.set(schema, made);
    return made;
  }

  #until({ id, owner, expiresAtMs }: ToolGrant): AbortSignal {
    const used = this.#used.get(id);
    if (used !== undefined) {
      return used.gone.signal;
    }
    const gone = new AbortController();
    const expiry =
      expiresAtMs === null
        ? null
        : // The clock that grants are looked at by.
          new Alarm({ atMs: expiresAtMs, now: Date.now, ring: () => this.#end(id) });
    this.#used.set(id, { owner, gone, expiry });
    return gone.signal;
  }

  #end(id: GrantId): void {
    const used = this.#used.get(id);
    this.#used.delete(id);
    used?.expiry?.clear();
    used?.gone.abort();
  }
}

/** A schema as others can stand beside it: references of its own would not be found there. */
const canStandBeside = (schema: string): boolean => !schema.includes('"$ref"');

/** A listing that says what the agent's arguments have to be, where all of its grants ask for something. */
function narrowedListing(listing: ToolListing, scopes: readonly ToolScope[]): ToolListing {
  const asked = scopes.map((scope) => schemasOf(scope, listing.name));
  if (asked.some((schemas) => schemas.length === 0) || !asked.flat().every(canStandBeside)) {
    return listing;
  }
  const choices = asked.map((schemas) => ({ allOf: schemas.map((text) => JSON.parse(text)) }));
  const parameters = JSON.parse(listing.parameters) as { allOf?: unknown[] };
  const narrowed = choices.length === 1 ? choices[0] : { anyOf: choices };
  const allOf = [...(Array.isArray(parameters.allOf) ? parameters.allOf : []), narrowed];
  return { ...listing, parameters: JSON.stringify({ ...parameters, allOf }) };
}
