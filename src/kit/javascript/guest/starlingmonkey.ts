// The large engine has the host's clock and random numbers as they are.

export const NONE = undefined;
export const WAITS_FOR_PROMISES = true;
export const u64 = (value: number): bigint => BigInt(value);
export function begin(): void {}
