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

class Cell {
  constructor(
    public value: i32,
    public next: Cell | null,
  ) {}
}

/** Allocates short lists and drops most of them, so that the collector has work. */
export function garbage(n: i32): i32 {
  const kept = new Array<Cell | null>(256);
  let total = 0;
  for (let i = 0; i < n; i++) {
    const cell = new Cell(i, new Cell(i ^ 5, null));
    const at = (i * 7919) & 255;
    const old = kept[at];
    if (old !== null) total += old.value ^ old.next!.value;
    if ((i & 3) == 0) kept[at] = cell;
  }
  return total;
}

/** Through a table: each comparison is an indirect call. */
export function sort(n: i32): i32 {
  const values = new Array<i32>(n);
  let seed: u32 = 42;
  for (let i = 0; i < n; i++) {
    seed = seed * 1103515245 + 12345;
    values[i] = <i32>(seed >>> 8);
  }
  values.sort((a, b) => a - b);
  return values[n >> 1] ^ values[n - 1];
}

class Body {
  x: f64 = 0;
  y: f64 = 0;
  z: f64 = 0;
  vx: f64 = 0;
  vy: f64 = 0;
  vz: f64 = 0;
  mass: f64 = 1;
}

/** Five bodies that attract each other. */
export function bodies(steps: i32): f64 {
  const all = new StaticArray<Body>(5);
  for (let i = 0; i < 5; i++) {
    const body = new Body();
    body.x = <f64>(i * 3);
    body.y = <f64>((i * 7) % 5);
    body.z = <f64>(i & 1);
    body.vx = <f64>(i - 2) * 0.01;
    body.mass = 1.0 / <f64>(i + 1);
    all[i] = body;
  }
  for (let step = 0; step < steps; step++) {
    for (let i = 0; i < 5; i++) {
      const a = unchecked(all[i]);
      for (let j = i + 1; j < 5; j++) {
        const b = unchecked(all[j]);
        const dx = a.x - b.x;
        const dy = a.y - b.y;
        const dz = a.z - b.z;
        const squared = dx * dx + dy * dy + dz * dz + 0.01;
        const strength = 0.001 / (squared * Math.sqrt(squared));
        a.vx -= dx * b.mass * strength;
        a.vy -= dy * b.mass * strength;
        a.vz -= dz * b.mass * strength;
        b.vx += dx * a.mass * strength;
        b.vy += dy * a.mass * strength;
        b.vz += dz * a.mass * strength;
      }
    }
    for (let i = 0; i < 5; i++) {
      const body = unchecked(all[i]);
      body.x += 0.001 * body.vx;
      body.y += 0.001 * body.vy;
      body.z += 0.001 * body.vz;
    }
  }
  return unchecked(all[0]).x;
}
