/** How callers and policy files write grants. */

import * as z from 'zod';
import { RingfenceError } from '../errors.ts';
import { compileSchema } from '../json-schema/validator.ts';
import { ADDRESS_CLASSES, NETWORK_SCHEMES } from './grant.ts';
import { NETWORK_RULES_MAX } from './network.ts';
import { PATH_CHARACTERS_MAX, readRule } from './network-rule.ts';

/** Characters of the name of a tool, topic, host, service or module, and of a rule in one text. */
const NAME_CHARACTERS_MAX = 256;
/** Names in a list, and pids. */
const NAMES_MAX = 10_000;
/** Children that may live at a time, the most that can be said. */
const SPAWN_COUNT_MAX = 10_000;
/** Generations below an agent, the most that can be said: chains of derived grants stay short. */
export const SPAWN_DEPTH_MAX = 64;
/** Directories of one agent. */
export const MOUNTS_MAX = 64;
/** Characters of the path of a directory in the guest. */
const GUEST_PATH_CHARACTERS_MAX = 1024;
/** PATH_MAX of Linux. */
const HOST_PATH_CHARACTERS_MAX = 4096;
const SEED_CHARACTERS_MAX = 1024;
/** The last instant that a Date can hold, in milliseconds since 1970. */
const INSTANT_MS_MAX = 8.64e15;

const name = z.string().min(1).max(NAME_CHARACTERS_MAX);
const names = z.array(name).max(NAMES_MAX);
const all = z.literal('all');

/** Ports of one rule of the network, and methods. */
const PORTS_MAX = 64;
const METHODS_MAX = 16;
const SECRETS_MAX = 8;

/** A text, or an object, that is a rule of the network. */
const networkRule = z
  .union(
    [
      name.meta({
        examples: ['example.org:443', '*.example.org', 'https://api.example.org/v1 GET'],
      }),
      z.strictObject({
        host: name,
        ports: z.array(z.number().int().min(1).max(65_535)).max(PORTS_MAX).optional(),
        schemes: z.array(z.enum(NETWORK_SCHEMES)).max(NETWORK_SCHEMES.length).optional(),
        methods: z.array(z.string().max(NAME_CHARACTERS_MAX)).max(METHODS_MAX).optional(),
        path: z.string().max(PATH_CHARACTERS_MAX).optional(),
        addresses: z.array(z.enum(ADDRESS_CLASSES)).max(ADDRESS_CLASSES.length).optional(),
        listen: z.boolean().optional(),
        secrets: z
          .array(z.strictObject({ name: name, header: name }))
          .max(SECRETS_MAX)
          .optional(),
      }),
    ],
    { error: 'write a host or host:port, or an object with host' },
  )
  .superRefine((given, context) => {
    const read = readRule(given);
    if ('problem' in read) {
      const path = read.field === undefined || typeof given === 'string' ? [] : [read.field];
      context.addIssue({ code: 'custom', path, message: read.problem });
    }
  });

const DIGEST = /^(?!sha256:)|^sha256:[0-9a-f]{64}$/;

const moduleName = name.regex(DIGEST, 'write sha256: and 64 lower-case hexadecimal digits');

const orAll = <Item extends z.ZodType>(items: Item, what: string) =>
  z.union([all, items], { error: `write 'all' or a list of ${what}` });

const ipc = z.union(
  [
    z.enum(['all', 'parent_only', 'receive_only', 'none']),
    z.strictObject({
      pids: orAll(z.array(z.number().int().positive()).max(NAMES_MAX), 'pids').optional(),
      topics: orAll(names, 'topics').optional(),
      parent: z.boolean().optional(),
    }),
  ],
  { error: 'write all, parent_only, receive_only, none, or pids, topics and parent' },
);

/** Tools of a scope of which arguments have to be something. */
export const NARROWED_TOOLS_MAX = 256;

/** Why a schema of arguments is not taken; null: it is. */
export function problemOfArguments(schema: unknown): string | null {
  try {
    compileSchema(schema);
    return null;
  } catch (error) {
    if (error instanceof RingfenceError) {
      return error.message.replace(/\.$/, '');
    }
    throw error;
  }
}

const argumentSchema = z.record(z.string(), z.unknown()).superRefine((schema, context) => {
  const message = problemOfArguments(schema);
  if (message !== null) {
    context.addIssue({ code: 'custom', message });
  }
});

/** A tool by its name, or a part of what it can do: with arguments that fit a schema. */
const toolItem = z.union([name, z.strictObject({ name, arguments: argumentSchema })], {
  error: 'write the name of a tool, or name and arguments: a JSON schema',
});

const toolItems = z
  .array(toolItem)
  .max(NAMES_MAX)
  .superRefine((items, context) => {
    const narrowed = items.flatMap((item) => (typeof item === 'string' ? [] : [item.name]));
    if (narrowed.length > NARROWED_TOOLS_MAX) {
      const message = `${NARROWED_TOOLS_MAX} tools with arguments are the most`;
      context.addIssue({ code: 'custom', message });
    }
    const names = items.map((item) => (typeof item === 'string' ? item : item.name));
    const twice = names.findIndex(
      (each, index) => narrowed.includes(each) && names.indexOf(each) < index,
    );
    if (twice >= 0) {
      context.addIssue({
        code: 'custom',
        path: [twice],
        message: `the tool '${names[twice]}' is there twice: write it once, with one schema (anyOf, allOf)`,
      });
    }
  });

const tools = z.union(
  [
    all,
    toolItems,
    z
      .strictObject({ allow: orAll(toolItems, 'tools').optional(), deny: names.optional() })
      .refine(({ allow, deny }) => allow !== undefined || deny === undefined, {
        error: "a list of denied tools allows none: write allow: 'all' beside it",
      }),
  ],
  { error: "write 'all', a list of tools, or allow and deny" },
);

const count = z.number().int().nonnegative().max(SPAWN_COUNT_MAX);

const spawn = z.union(
  [
    count,
    z.strictObject({
      count,
      modules: orAll(z.array(moduleName).max(NAMES_MAX), 'modules').optional(),
      depth: z.number().int().min(1).max(SPAWN_DEPTH_MAX).optional(),
    }),
  ],
  { error: 'write a number of agents, or count, modules and depth' },
);

/** Absolute and normal; one slash at the end is no harm. */
const isGuestPath = (path: string): boolean =>
  path.isWellFormed() && (path === '/' || /^(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)+\/?$/.test(path));

const guest = z
  .string()
  .max(GUEST_PATH_CHARACTERS_MAX)
  .refine(isGuestPath, 'write an absolute path without . and .. and doubled slashes');

const modes = z
  .array(z.enum(['read', 'write', 'create']))
  .max(3)
  .refine((given) => given.length === 0 || given.includes('read'), {
    error: "a directory can't be written only: write 'read' too",
  });

const amount = z.number().int().positive().max(Number.MAX_SAFE_INTEGER);
const quota = z.strictObject({ bytes: amount.optional(), files: amount.optional() });

const hostMount = z.strictObject({
  host: z
    .string()
    .min(1)
    .max(HOST_PATH_CHARACTERS_MAX)
    .refine((path) => !path.includes('\0'), 'a path has no NUL'),
  guest: guest.optional(),
  modes: modes.optional(),
  quota: quota.optional(),
});

const memoryMount = z.strictObject({
  memory: z.literal(true),
  guest,
  modes: modes.optional(),
  quota: quota.optional(),
});

const mount = z.union([hostMount, memoryMount], {
  error: 'write host or memory: true, with guest, modes and quota',
});

/** Where the guest finds a directory for which nothing else is said. */
export const GUEST_PATH_DEFAULT = '/';

/** The path of a directory in the guest, in the one form that it has inside. */
export const normalGuestPath = (path: string | undefined): string =>
  (path ?? GUEST_PATH_DEFAULT).replace(/(?<=.)\/$/, '');

const files = z
  .array(mount)
  .max(MOUNTS_MAX)
  .superRefine((mounts, context) => {
    const seen = new Set<string>();
    mounts.forEach((each, index) => {
      const path = normalGuestPath(each.guest);
      if (seen.has(path)) {
        context.addIssue({
          code: 'custom',
          path: [index, 'guest'],
          message: `two directories can't both be at '${path}' in the guest`,
        });
      }
      seen.add(path);
    });
  });

/** The schema of grants as they are written; it transforms nothing, so that it has a JSON Schema. */
export const grantsSchema = z.strictObject({
  preset: z.enum(['none', 'browser', 'standard']).optional(),
  ipc: ipc.nullish(),
  network: orAll(z.array(networkRule).max(NETWORK_RULES_MAX), 'hosts').nullish(),
  tools: tools.nullish(),
  services: orAll(names, 'services').nullish(),
  spawn: spawn.nullish(),
  files: files.nullish(),
  clocks: z
    .union([z.boolean(), z.enum(['coarse', 'exact'])], {
      error: 'write true, false, coarse or exact',
    })
    .optional(),
  random: z
    .union(
      [
        z.boolean(),
        z.literal('system'),
        z.strictObject({ seed: z.string().min(1).max(SEED_CHARACTERS_MAX) }),
      ],
      { error: 'write true, false, system, or a seed' },
    )
    .optional(),
  expires: z
    .union([z.iso.datetime({ offset: true }), z.number().int().positive().max(INSTANT_MS_MAX)], {
      error: 'write a date and time such as 2030-01-31T12:00:00Z, or milliseconds since 1970',
    })
    .optional(),
});

/** Deeper than anything that the schema knows. */
const OWN_DEPTH_MAX = 8;

/** A value with the fields that it has itself: none that its prototype, or a polluted one, has. */
export function ownFields(value: unknown, depth = OWN_DEPTH_MAX): unknown {
  if (typeof value !== 'object' || value === null || depth === 0) {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map((item) => ownFields(item, depth - 1));
  }
  if (Object.prototype.toString.call(value) !== '[object Object]') {
    // A set or a date has no fields, and would pass for an object with nothing in it.
    return Symbol('no record');
  }
  const own: Record<string, unknown> = Object.create(null);
  for (const [name, field] of Object.entries(value)) {
    own[name] = ownFields(field, depth - 1);
  }
  return own;
}

/**
 * Grants as a caller writes them. `null`, a missing field and an empty list all mean nothing; clocks
 * (coarse) and random numbers are there unless they are `false`.
 */
export type GrantsInput = z.input<typeof grantsSchema>;
