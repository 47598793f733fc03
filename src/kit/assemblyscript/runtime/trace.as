// What `trace` prints. The build puts it beside the generated modules as `wit/trace.ts`.

/** A message and so many of the numbers. */
export function traceText(
  message: string,
  count: i32,
  a0: f64,
  a1: f64,
  a2: f64,
  a3: f64,
  a4: f64,
): string {
  const numbers = [a0, a1, a2, a3, a4];
  let text = message;
  for (let index = 0; index < min(count, numbers.length); index++) text += ` ${numbers[index]}`;
  return text;
}
