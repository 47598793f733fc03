/** What is healthy: of one part, and of the whole. The words and the rule of the whole are the reference's. */

/** How a part is. `unknown`: it did not say so in time. */
export type PartStatus = 'healthy' | 'degraded' | 'unhealthy' | 'unknown';

/** How the whole is; the reference calls the last one down. */
export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy';

/** One part, and how it is. */
export interface HealthPart {
  readonly name: string;
  readonly status: PartStatus;
  /** What is wrong, in one sentence; null where nothing is. */
  readonly message: string | null;
}

/** The whole, and how it is. */
export interface Health {
  readonly status: HealthStatus;
  /** What is wrong, each with the name of its part; empty where it is healthy. */
  readonly reasons: readonly string[];
  readonly parts: readonly HealthPart[];
}

/** A part that is as it should be. */
export const healthy = (name: string): HealthPart => ({ name, status: 'healthy', message: null });

/** From this part of the most that may be used on, somebody should know: the reference's number. */
const WARNING_SHARE = 0.8;

/** How something is that there is so much of; a `max` of 0 is unlimited. */
export function levelOf(name: string, what: string, used: number, max: number): HealthPart {
  if (max === 0 || used < max * WARNING_SHARE) {
    return healthy(name);
  }
  const message = `${used} of ${max} ${what} are in use`;
  return { name, status: used >= max ? 'unhealthy' : 'degraded', message };
}

/** Of several findings of one part, the worst, and all that is wrong. */
export function worstOf(name: string, findings: readonly HealthPart[]): HealthPart {
  const wrong = findings.filter(({ status }) => status !== 'healthy');
  if (wrong.length === 0) {
    return healthy(name);
  }
  const status = wrong.some((each) => each.status === 'unhealthy') ? 'unhealthy' : 'degraded';
  return { name, status, message: wrong.map(({ message }) => message).join('; ') };
}

/**
 * The whole: unhealthy when nothing runs without one of the `essential` parts and that is unhealthy, or
 * when no part is better than that; degraded when any part is not healthy.
 */
export function wholeOf(parts: readonly HealthPart[], essential: ReadonlySet<string>): Health {
  const wrong = parts.filter(({ status }) => status !== 'healthy');
  const isDown = ({ status }: HealthPart): boolean =>
    status === 'unhealthy' || status === 'unknown';
  const down =
    parts.every(isDown) ||
    wrong.some((part) => essential.has(part.name) && part.status === 'unhealthy');
  return {
    status: down ? 'unhealthy' : wrong.length > 0 ? 'degraded' : 'healthy',
    reasons: wrong.map(({ name, status, message }) => `${name}: ${message ?? status}`),
    parts,
  };
}
