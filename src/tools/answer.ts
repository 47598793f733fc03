/** Answers of tools as JSON, within their size. */

import { isLongerThan } from '../json-schema/text.ts';
import { ToolError } from './outcome.ts';

/**
 * An answer as JSON. One that is too large is refused before its text is made.
 *
 * @throws {ToolError} `limit-exceeded`; whatever the value's own methods throw
 */
export function answerJson(value: unknown, bytesMax: number): string {
  const tooLarge = (): ToolError =>
    new ToolError('limit-exceeded', 'the answer of the tool is too large: ask for less');
  if (isLongerThan(value, bytesMax)) {
    throw tooLarge();
  }
  const json = JSON.stringify(value ?? null);
  // A text of many bytes a character is measured; JSON.stringify answers undefined for a function.
  if (json.length > bytesMax || Buffer.byteLength(json) > bytesMax) {
    throw tooLarge();
  }
  return json;
}
