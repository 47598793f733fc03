/** Tests as pages name them: `path: title` becomes a link to the file, and the title. */

/** Text in a cell of a table. */
export const cell = (text: string): string => text.replaceAll('|', '\\|');

/** A test's path from the root, and its title. */
export function splitTest(test: string): { readonly path: string; readonly title: string } {
  const [path = '', title = ''] = test.split(/: (.*)/s);
  return { path, title };
}

/** `path: title` as a link to the file, and the title, on a page in docs/. */
export function linkToTest(test: string): string {
  const { path, title } = splitTest(test);
  const short = path.replace(/^(test|src)\//, '').replace(/\.test\.ts$/, '');
  return `[${short}](../${path}): ${cell(title)}`;
}
