/** The engines that JavaScript runs in inside of a component. */

/** The first is taken where a project says nothing: it is the small one. */
export const ENGINES = ['quickjs', 'starlingmonkey'] as const;
/** An engine for JavaScript. */
export type Engine = (typeof ENGINES)[number];
