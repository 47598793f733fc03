/** Paths of URLs, and what servers may make of them: several decode, fold or rewrite what they are sent. */

/** An escape, of what it stands for. */
const ESCAPE = /%([0-9a-f]{2})/gi;
/** What no server should find in an escape: it goes up, goes down, ends a segment or the whole path. */
const HIDDEN = /[./\\;\0]/;
/** A percent sign of no escape (`%%32%65` is `%2e` one decoding later), or of a form of IIS's own (`%u002e`). */
const BROKEN_ESCAPE = /%(?![0-9a-f]{2})/i;
/** A character in more bytes than UTF-8 has for it: a `/` or a `.` to who decodes without looking. */
const OVERLONG = /%(?:c[01]|e0%[89]|f0%8)/i;
/** `..;x`: some servers cut the parameters off, and go up. */
const DOTS_WITH_PARAMETERS = /(?:^|\/)\.{1,2};/;
/** Servers behind servers: each decodes once. Who needs more than this is up to something. */
const DECODINGS_MAX = 4;

/**
 * What code pages of Windows, and fonts, make a slash, a backslash or a percent sign of, beside what NFKC
 * does (bestfit1252.txt and bestfit932.txt of Unicode's VENDORS/MICSFT; confusables.txt of UTS 39).
 */
const LOOK_ALIKES =
  /[\u00a5\u066a\u20a9\u2044\u2215\u2216\u2571\u2572\u27cb\u27cd\u29f5\u29f8\u29f9\u2afb\u2afd]/;
/** What of ASCII divides a path, ends it or escapes. */
const DIVIDER = /[/\\;%?#]/;
const DOT_SEGMENT = /^\.{1,2}(?:;.*)?$/;
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Bytes, one a character, as a server reads them: by UTF-8, or where they are none as they are. */
function readBytes(text: string): string {
  try {
    return UTF8.decode(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  } catch {
    return text;
  }
}

/** Whether a server that folds characters into ASCII may find what divides a path, or leads up. */
function hasLookAlikes(text: string): boolean {
  const others = text.match(/[^\0-\x7f]+/g) ?? [];
  return (
    others.some((run) => LOOK_ALIKES.test(run) || DIVIDER.test(run.normalize('NFKC'))) ||
    (others.length > 0 &&
      text
        .normalize('NFKC')
        .split('/')
        .some((each) => DOT_SEGMENT.test(each)))
  );
}

/** Whether a server that decodes a path, once or several times, may find another one in it. */
function isAmbiguous(path: string): boolean {
  let text = path;
  for (let times = 0; times < DECODINGS_MAX; times += 1) {
    if (BROKEN_ESCAPE.test(text) || OVERLONG.test(text)) {
      return true;
    }
    let hides = false;
    const decoded = text.replace(ESCAPE, (_, digits: string) => {
      const character = String.fromCharCode(Number.parseInt(digits, 16));
      hides ||= HIDDEN.test(character);
      return character;
    });
    if (hides || decoded === text) {
      return hides;
    }
    if (hasLookAlikes(readBytes(decoded))) {
      return true;
    }
    // A percent sign that stands for itself, at the end of what is decoded: `100%25`.
    if (!/%[0-9a-fu%]/i.test(decoded)) {
      return false;
    }
    text = decoded;
  }
  return true;
}

/**
 * Whether a path is the prefix's own or beneath it, by segments: `/v10` is not in `/v1`. What a server
 * may read as another path is beneath none but `/`.
 */
export function isUnderPath(prefix: string, path: string): boolean {
  return (
    prefix === '/' ||
    (isUnderPrefix(prefix, path) &&
      !isAmbiguous(path) &&
      !DOTS_WITH_PARAMETERS.test(path) &&
      !path.includes('\\'))
  );
}

function isUnderPrefix(prefix: string, path: string): boolean {
  return prefix.endsWith('/')
    ? path.startsWith(prefix)
    : path === prefix || path.startsWith(`${prefix}/`);
}

/** As {@link isUnderPath}, of paths that are prefixes themselves. */
export const isUnderPrefixOrRoot = (prefix: string, path: string): boolean =>
  prefix === '/' || isUnderPrefix(prefix, path);
