/** Reads lists of grants that were parsed or issued before. */

import * as z from 'zod';
import { RingfenceError } from '../errors.ts';
import { SCHEMA_CHARACTERS_MAX } from '../json-schema/caps.ts';
import { canonicalJson, readJson } from '../json-schema/text.ts';
import { addressClass } from './address.ts';
import { isWithin } from './algebra.ts';
import { ADDRESS_CLASSES, NETWORK_SCHEMES } from './grant.ts';
import { ANY_HOST, addressOfHost, canonicalHost } from './host.ts';
import { NETWORK_RULES_MAX } from './network.ts';
import { problemsOf } from './problems.ts';
import { MOUNTS_MAX, NARROWED_TOOLS_MAX, problemOfArguments, SPAWN_DEPTH_MAX } from './schema.ts';
import type { WantedGrant } from './wanted.ts';

/** Whether a text is a schema as `parseGrants` writes it: only then are two compared by their text. */
function isCanonicalSchema(text: string): boolean {
  const read = readJson(text);
  return (
    read.tag === 'ok' && canonicalJson(read.val) === text && problemOfArguments(read.val) === null
  );
}

const all = z.literal('all');
const nameSet = z.set(z.string());
const names = z.union([all, nameSet]);
const amount = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const normalPath = z
  .string()
  .refine((path) => isWithin('/', path), 'write an absolute, normal path');

function isPattern(host: string): boolean {
  const name = host.startsWith('*.') ? host.slice(2) : host;
  return (
    host === ANY_HOST ||
    (canonicalHost(name) === name && (name === host || addressOfHost(name) === null))
  );
}

const classOf = (host: string) => addressClass(addressOfHost(host) ?? '');

/** As `readRule` makes them. */
const networkRule = z
  .strictObject({
    host: z.string().refine(isPattern, 'write *, *.suffix or a host in lower case'),
    ports: z.union([all, z.set(z.number().int().min(0).max(65_535))]),
    schemes: z.set(z.enum(NETWORK_SCHEMES)),
    methods: names,
    path: z.string().startsWith('/'),
    addresses: z.set(z.enum([...ADDRESS_CLASSES, 'unspecified'])),
    secrets: z.set(z.string().regex(/^[A-Za-z0-9_.-]{1,64}:[^:\s]{1,64}$/)),
    listen: z.boolean(),
  })
  .refine(
    ({ schemes, methods, path, secrets }) =>
      (methods === 'all' && path === '/' && secrets.size === 0) ||
      !(schemes.has('tcp') || schemes.has('udp')),
    'methods, secrets and a path are of http and https only',
  )
  .refine(
    ({ host, addresses }) =>
      addressOfHost(host) === null ||
      [...addresses].every((each) => each === 'unspecified' || each === classOf(host)),
    'an address is of its own class only',
  );

const narrowed = z
  .array(
    z.strictObject({
      tool: z.string(),
      schema: z
        .string()
        .max(SCHEMA_CHARACTERS_MAX)
        .refine(isCanonicalSchema, 'write a JSON schema that is taken, in its canonical form'),
    }),
  )
  .max(NARROWED_TOOLS_MAX);

const FIELDS = {
  expiresAtMs: z.number().nullable(),
  implied: z.enum(['scope', 'depth']).optional(),
  // What was issued can be given to another: these say whose it was.
  id: z.number().optional(),
  owner: z.number().optional(),
  parent: z.number().nullish(),
};

const specsSchema = z
  .array(
    z.discriminatedUnion('kind', [
      z.strictObject({
        ...FIELDS,
        kind: z.literal('ipc'),
        scope: z.strictObject({
          pids: z.union([all, z.set(z.number().int().nonnegative())]),
          parent: z.boolean(),
          topics: names,
        }),
      }),
      z.strictObject({
        ...FIELDS,
        kind: z.literal('network'),
        scope: z.strictObject({ rules: z.array(networkRule).max(NETWORK_RULES_MAX) }),
      }),
      z.strictObject({
        ...FIELDS,
        kind: z.literal('tools'),
        scope: z.strictObject({ allow: names, deny: nameSet, narrowed: narrowed.optional() }),
      }),
      z.strictObject({
        ...FIELDS,
        kind: z.literal('services'),
        scope: z.strictObject({ names }),
      }),
      z.strictObject({
        ...FIELDS,
        kind: z.literal('spawn'),
        scope: z.strictObject({
          count: amount,
          modules: names,
          depth: amount.max(SPAWN_DEPTH_MAX),
        }),
      }),
      z.strictObject({
        ...FIELDS,
        kind: z.literal('files'),
        scope: z.strictObject({
          guest: normalPath,
          source: z.discriminatedUnion('kind', [
            z.strictObject({ kind: z.literal('host'), path: normalPath }),
            z.strictObject({ kind: z.literal('memory') }),
          ]),
          modes: z.strictObject({ write: z.boolean(), create: z.boolean() }),
          quota: z.strictObject({ bytes: amount, files: amount }),
        }),
      }),
      z.strictObject({
        ...FIELDS,
        kind: z.literal('clocks'),
        scope: z.strictObject({ precision: z.enum(['coarse', 'exact']) }),
      }),
      z.strictObject({
        ...FIELDS,
        kind: z.literal('random'),
        scope: z.strictObject({ seed: z.string().nullable() }),
      }),
    ]),
  )
  .superRefine((specs, context) => {
    const guests = specs.flatMap((spec) => (spec.kind === 'files' ? [spec.scope.guest] : []));
    if (new Set(guests).size < guests.length) {
      context.addIssue({
        code: 'custom',
        message: "two directories can't be at one place in the guest",
      });
    }
    if (guests.length > MOUNTS_MAX) {
      context.addIssue({ code: 'custom', message: `${MOUNTS_MAX} directories are the most` });
    }
  });

/**
 * Reads a list of grants as `parseGrants`, a policy, or an agent's grants have it. Answers copies: what
 * the caller does to its own sets later widens nothing.
 *
 * @throws {RingfenceError} `RF_USAGE`
 */
export function copySpecs(input: unknown): readonly WantedGrant[] {
  const parsed = specsSchema.safeParse(input);
  if (!parsed.success) {
    const [problem] = problemsOf(parsed.error);
    const where = problem?.path.map(String).join('.') || 'grants';
    throw new RingfenceError(
      'RF_USAGE',
      `Cannot use the grant '${where}': ${problem?.message ?? 'not understood'}.`,
      { name: where },
    );
  }
  return parsed.data.map(
    ({ kind, scope, expiresAtMs, implied }) =>
      ({
        kind,
        scope,
        expiresAtMs,
        ...(implied === undefined ? {} : { implied }),
      }) as WantedGrant,
  );
}
