// Calls a function of JavaScript many times, and answers the sum of what it answered.

@external("host", "answer")
declare function answer(): i64;

export function calls(count: i32): i64 {
  let sum: i64 = 0;
  for (let index = 0; index < count; index++) sum += answer();
  return sum;
}
