/** What a program says of the network of its agents. */

import * as z from 'zod';
import { SECRET_CHARACTERS_MIN } from '../network/echo.ts';
import { NETWORK_SETTINGS_DEFAULT, type NetworkSettings } from '../network/settings.ts';

/** The longest that can be waited, in milliseconds: a day. */
const WAIT_MS_MAX = 24 * 60 * 60 * 1000;
const CA_CHARACTERS_MAX = 1024 * 1024;

/** Servers that may know of traces. */
const TRACED_MAX = 64;
const ORIGIN_CHARACTERS_MAX = 512;

/** As URLs say it: lower case, no port that its scheme has anyway, nothing behind. */
const isOrigin = (text: string): boolean =>
  /^https?:/.test(text) && URL.parse(text)?.origin === text;

const waitMs = z.number().int().min(1).max(WAIT_MS_MAX).optional();
const bytes = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional();

/** Reads {@link NetworkOptions}. */
export const networkSchema = z.strictObject({
  resolver: z.enum(['dns', 'system']).optional(),
  nameServers: z.array(z.string().min(1).max(64)).min(1).max(8).optional(),
  ca: z
    .array(z.string().includes('-----BEGIN CERTIFICATE-----').max(CA_CHARACTERS_MAX))
    .min(1)
    .max(1_000)
    .optional(),
  http2: z.boolean().optional(),
  traceTo: z
    .array(
      z
        .string()
        .max(ORIGIN_CHARACTERS_MAX)
        .refine(isOrigin, 'write an origin of HTTP, such as https://api.internal:8443'),
    )
    .max(TRACED_MAX)
    .optional(),
  limits: z
    .strictObject({
      requestsPerAgent: z.number().int().min(1).max(1_024).optional(),
      requests: z.number().int().min(1).max(65_536).optional(),
      requestBodyBytes: bytes,
      responseBodyBytes: bytes,
      totalMs: waitMs,
      lookupMs: waitMs,
      connectMs: waitMs,
      firstByteMs: waitMs,
      betweenBytesMs: waitMs,
      socketsPerAgent: z.number().int().min(1).max(65_536).optional(),
      socketConnectMs: waitMs,
      socketLingerMs: waitMs,
      lookupsPerSecond: z.number().int().min(1).max(1_024).optional(),
    })
    .optional(),
});

/** What a secret is called. */
export const SECRET_NAME = /^[A-Za-z0-9_.-]{1,64}$/;
const SECRETS_MAX = 1_000;
const SECRET_CHARACTERS_MAX = 8_192;

/** Whether a value has a word that is long enough to be known again, and is a header's. */
const isSecret = (value: string): boolean =>
  value.length <= SECRET_CHARACTERS_MAX &&
  /^[\x21-\x7e\x80-\xff]+(?: [\x21-\x7e\x80-\xff]+)*$/.test(value) &&
  value.split(' ').some((word) => word.length >= SECRET_CHARACTERS_MIN);

/** Reads secrets, by their names. */
export const secretsSchema = z
  .record(
    z.string().regex(SECRET_NAME, 'a name has 1 to 64 letters, digits, _ . -'),
    z
      .string()
      .refine(
        isSecret,
        `a secret is a header's value with a word of at least ${SECRET_CHARACTERS_MIN} characters`,
      ),
  )
  .refine((secrets) => Object.keys(secrets).length <= SECRETS_MAX, `give ${SECRETS_MAX} at most`);

/** How agents reach the network that they are granted; each field is in docs/network.md. */
export type NetworkOptions = z.input<typeof networkSchema>;

/** The settings that options mean. */
export function networkSettings(
  { limits = {}, ...given }: NetworkOptions = {},
  secrets: Readonly<Record<string, string>> = {},
): NetworkSettings {
  const said = <Fields extends object>(fields: Fields) =>
    Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  return {
    ...NETWORK_SETTINGS_DEFAULT,
    ...said(given),
    limits: { ...NETWORK_SETTINGS_DEFAULT.limits, ...said(limits) },
    secrets: { ...secrets },
  };
}
