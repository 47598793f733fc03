/**
 * Names of imports, exports and interfaces: how a hostile one is shown, and what a proper one says.
 */

const SHOWN_CHARACTERS_MAX = 100;

/**
 * Shows a name inside of a message: quoted, escaped, cut. Nothing that a component chose reaches a
 * terminal or a log in any other way.
 *
 * @example
 * ```ts
 * showName('a\u001b[2J'); // "a\u001b[2J" with its quotes, the escape character spelled out
 * ```
 */
export function showName(name: string): string {
  const cut = name.length > SHOWN_CHARACTERS_MAX;
  const quoted = JSON.stringify(cut ? name.slice(0, SHOWN_CHARACTERS_MAX) : name);
  // JSON leaves these alone, but a terminal or a viewer of logs may not: controls, separators of
  // lines, marks that turn the direction of text around, pile up on others, or can't be seen at all.
  const safe = quoted.replace(
    /(?! )[\p{C}\p{Z}\p{M}\p{Default_Ignorable_Code_Point}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
  return cut ? `${safe}…` : safe;
}

/** The parts of an interface's name, such as `wasi:io/streams@0.2.3`. */
export interface InterfaceName {
  /** Package and interface without the version: `wasi:io/streams`. */
  readonly interface: string;
  /** The package: `wasi:io`. */
  readonly package: string;
  /** `0.2.3`, or null where the name has none. */
  readonly version: string | null;
}

const INTERFACE_NAME =
  /^([a-z][a-z0-9-]*(?::[a-z][a-z0-9-]*)+)\/([a-z][a-z0-9-]*(?:\/[a-z][a-z0-9-]*)*)(?:@([0-9A-Za-z.+-]+))?$/;
const INTERFACE_NAME_LENGTH_MAX = 256;

/** Takes an interface's name apart; null where it isn't one (a plain name, a URL, rubbish). */
export function parseInterfaceName(name: string): InterfaceName | null {
  if (name.length > INTERFACE_NAME_LENGTH_MAX) return null;
  const match = INTERFACE_NAME.exec(name);
  if (match === null) return null;
  const [, packageName, interfaceName, version] = match;
  return {
    interface: `${packageName}/${interfaceName}`,
    package: packageName!,
    version: version ?? null,
  };
}
