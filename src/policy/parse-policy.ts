/** Makes a policy's text what it means, or tells all that is wrong with it. */

import type * as z from 'zod';
import type { GrantsInput } from '../capability/input.ts';
import { problemsOf } from '../capability/problems.ts';
import type { LimitsInput } from '../resource/limits.ts';
import type { ExecInput } from '../tools/catalogue/exec-command.ts';
import {
  contradictionsOf,
  type Finding,
  warningsOf,
  withEveryCommand,
  withoutProcess,
} from './contradictions.ts';
import { toExec } from './exec.ts';
import type { policyKvSchema } from './kv.ts';
import { type policyMcpSchema, type ToolNaming, toNaming } from './mcp.ts';
import { type PathPattern, pathPattern } from './pattern.ts';
import { inOrder, PolicyError, type PolicyProblem } from './problem.ts';
import { readJson } from './read-json.ts';
import { readToml } from './read-toml.ts';
import { policySchema, type SettingsInput, toLimits } from './schema.ts';
import { type PolicyNode, placeOf, SyntaxProblem, toValue } from './tree.ts';

/** What a policy gives to modules, before it is known to which. */
export interface Settings {
  readonly grants: GrantsInput;
  readonly limits: LimitsInput;
  readonly isolation: SettingsInput['isolation'];
  readonly features: SettingsInput['features'];
  readonly restart: SettingsInput['restart'];
  readonly environment: Readonly<Record<string, string>>;
  readonly config: Readonly<Record<string, string>>;
}

/** The settings of some modules. */
export interface Entry {
  readonly line: number;
  readonly match: PathPattern | null;
  /** `sha256:…` */
  readonly digest: string | null;
  readonly tool: ToolNaming | null;
  readonly settings: Settings;
}

/** A policy that was understood. */
export interface ParsedPolicy {
  readonly unmatched: 'refuse' | 'run';
  readonly defaults: Settings;
  readonly entries: readonly Entry[];
  /** Commands that are offered as tools, by name. */
  readonly exec: ExecInput;
  /** Where values are kept, as it is written; null: nothing is said of it. */
  readonly kv: z.output<typeof policyKvSchema> | null;
  /** MCP servers whose tools are offered, as they are written. */
  readonly mcp: z.output<typeof policyMcpSchema>;
  readonly warnings: readonly PolicyProblem[];
}

function toSettings(given: SettingsInput): Settings {
  return {
    grants: given.grants ?? {},
    limits: toLimits(given.limits ?? {}),
    isolation: given.isolation,
    features: given.features,
    restart: given.restart,
    environment: given.environment ?? {},
    config: given.config ?? {},
  };
}

/** TOML has dates of its own, and only one field takes one. */
function withInstants(node: PolicyNode): unknown {
  const document = toValue(node) as { defaults?: unknown; module?: unknown } | null;
  const entries = Array.isArray(document?.module) ? document.module : [];
  for (const settings of [document?.defaults, ...entries]) {
    const { grants } = (settings ?? {}) as { grants?: { expires?: unknown } | null };
    if (grants?.expires instanceof Date) {
      grants.expires = grants.expires.toISOString();
    }
  }
  return document;
}

/** `limits.fuel`: the place says of which entry. */
const nameOf = (path: readonly PropertyKey[]): string =>
  path
    .filter((step) => typeof step !== 'number' && step !== 'module')
    .map(String)
    .join('.')
    .slice(0, 200);

function named(path: readonly PropertyKey[], message: string): string {
  const name = nameOf(path);
  const what = message
    .replace(/^Invalid ISO datetime$/, 'write a date and time such as 2030-01-31T12:00:00Z')
    .replace(/^Invalid (?:input|option): /, '')
    .replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
  return name === '' ? what : `'${name}': ${what}`;
}

/** A key can be as long as the file. */
const shortened = (key: string): string => (key.length > 64 ? `${key.slice(0, 64)}…` : key);

/** All that the schema finds, at its place. */
function findingsOf(error: Parameters<typeof problemsOf>[0]): Finding[] {
  return problemsOf(error).flatMap(({ path, message, unknown }): Finding[] =>
    unknown === undefined
      ? [{ path, of: 'value', message: named(path, message) }]
      : unknown.map((key) => ({
          path: [...path, key],
          of: 'key',
          message: `unknown key '${shortened(key)}': docs/policy.md has those that there are`,
        })),
  );
}

/** Where the tables of a file are: the syntax of its text. */
function read(text: string, format: 'toml' | 'json', path: string): PolicyNode {
  try {
    return format === 'toml' ? readToml(text) : readJson(text);
  } catch (error) {
    if (error instanceof SyntaxProblem) {
      throw new PolicyError(path, [{ ...error.at, message: error.message }]);
    }
    throw error;
  }
}

/**
 * Reads the text of a policy.
 *
 * @param path how the file is called in errors
 * @param nowMs milliseconds since 1970: what expires before is warned of
 * @throws {PolicyError} `RF_POLICY`, with all that is wrong; of what is no TOML or JSON the first.
 */
export function parsePolicy(
  text: string,
  { format, path, nowMs }: { format: 'toml' | 'json'; path: string; nowMs: number },
): ParsedPolicy {
  const root = read(text, format, path);
  const document = withInstants(root);
  const at = ({ path: where, of, message }: Finding): PolicyProblem => ({
    ...placeOf(root, where, of),
    message,
  });
  const lineOf = (index: number) => placeOf(root, ['module', index]).line;
  const parsed = policySchema.safeParse(document);
  const contradictions = [...contradictionsOf(document, lineOf)].map(at);
  if (!parsed.success) {
    throw new PolicyError(path, [...findingsOf(parsed.error).map(at), ...contradictions]);
  }
  if (contradictions.length > 0) {
    throw new PolicyError(path, contradictions);
  }
  const {
    defaults: given = {},
    module: entries = [],
    exec = {},
    kv = null,
    mcp = {},
  } = parsed.data;
  const { unmatched = 'refuse', ...defaults } = given;
  const hasCommands = Object.keys(exec).length > 0;
  const commands = (...settings: Parameters<typeof withEveryCommand>): Finding[] =>
    hasCommands ? [...withEveryCommand(...settings)] : [];
  return {
    unmatched,
    defaults: toSettings(defaults),
    entries: entries.map(({ match, digest, tool, ...settings }, index) => ({
      line: lineOf(index),
      match: match === undefined ? null : pathPattern(match),
      digest: digest ?? null,
      tool: toNaming(tool),
      settings: toSettings(settings),
    })),
    exec: toExec(exec),
    kv,
    mcp,
    warnings: inOrder(
      [
        ...warningsOf(defaults, ['defaults'], nowMs),
        ...commands(defaults, ['defaults']),
        ...entries.flatMap((entry, index) => [
          ...warningsOf(entry, ['module', index], nowMs),
          ...commands(entry, ['module', index]),
          ...withoutProcess({ ...defaults, ...entry }, ['module', index]),
        ]),
      ].map(at),
    ),
  };
}
