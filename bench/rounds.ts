/** Rounds in turns, with all that they said. */

/** Says of one round what was measured. */
export type Program = () => Promise<number>;

/** Runs programs in turns, A B C B C A C A B …, and answers of each what it said, round by round. */
export async function valuesInTurns(
  rounds: number,
  programs: readonly Program[],
): Promise<number[][]> {
  const values = programs.map((): number[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < programs.length; turn += 1) {
      const index = (round + turn) % programs.length;
      values[index]!.push(await programs[index]!());
    }
  }
  return values;
}
