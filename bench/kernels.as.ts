// Small programs to be metered, in AssemblyScript: calls, memory, floating point, integers, branches,
// allocation.

export function fibonacci(n: i32): i32 {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

export function sieve(n: i32): i32 {
  const flags = new Uint8Array(n);
  let primes = 0;
  for (let i = 2; i < n; i++) {
    if (unchecked(flags[i]) != 0) continue;
    primes++;
    for (let j = i * 2; j < n; j += i) unchecked((flags[j] = 1));
  }
  return primes;
}

export function matrices(n: i32): f64 {
  const a = new Float64Array(n * n);
  const b = new Float64Array(n * n);
  for (let i = 0; i < n * n; i++) {
    unchecked((a[i] = f64(i % 13)));
    unchecked((b[i] = f64(i % 7)));
  }
  let trace = 0.0;
  for (let row = 0; row < n; row++) {
    for (let column = 0; column < n; column++) {
      let sum = 0.0;
      for (let k = 0; k < n; k++) sum += unchecked(a[row * n + k]) * unchecked(b[k * n + column]);
      if (row == column) trace += sum;
    }
  }
  return trace;
}

export function hash(n: i32): u32 {
  let state: u32 = 0x811c9dc5;
  for (let i = 0; i < n; i++) {
    state ^= <u32>(i & 0xff);
    state = rotl<u32>(state * 0x01000193, 5) ^ (state >>> 11);
  }
  return state;
}

/** A bytecode interpreter: a switch in a loop. */
export function interpreter(n: i32): i32 {
  const code = StaticArray.fromArray<u8>([0, 1, 2, 3, 4, 1, 5, 2]);
  let x = 3;
  let y = 1;
  let at = 0;
  for (let i = 0; i < n; i++) {
    switch (unchecked(code[at])) {
      case 0:
        y += x;
        break;
      case 1:
        y ^= i;
        break;
      case 2:
        x = x * 5 + 1;
        break;
      case 3:
        y = rotl<i32>(y, 1);
        break;
      case 4:
        if (y & 1) x++;
        break;
      default:
        y -= x;
    }
    at = (at + 1 + (x & 1)) & 7;
  }
  return y;
}

class Node {
  left: Node | null = null;
  right: Node | null = null;
}

function grow(depth: i32): Node {
  const node = new Node();
  if (depth > 0) {
    node.left = grow(depth - 1);
    node.right = grow(depth - 1);
  }
  return node;
}

function count(node: Node): i32 {
  const left = node.left;
  return left === null ? 1 : 1 + count(left) + count(node.right!);
}

export function trees(depth: i32): i32 {
  return count(grow(depth));
}

export function strings(n: i32): i32 {
  let total = 0;
  for (let i = 0; i < n; i++) {
    const text = 'item-' + i.toString();
    for (let at = 0; at < text.length; at++) total = total * 31 + text.charCodeAt(at);
  }
  return total;
}
