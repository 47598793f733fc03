// What the peer's injected calls call: fuel, and a trap where it ends.

let units: i64 = i64.MAX_VALUE;

export function usegas(taken: i32): void {
  units -= taken;
  if (units < 0) unreachable();
}
