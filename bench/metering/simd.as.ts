// Small programs to be metered that work on vectors, in AssemblyScript.

/** The set's points in a square of n by n, four at a time. */
export function mandelbrot(n: i32): i32 {
  const limit: i32 = 100;
  const four = f32x4.splat(4.0);
  const step: f32 = 2.5 / <f32>n;
  let inside = i32x4.splat(0);
  for (let row = 0; row < n; row++) {
    const cy = f32x4.splat(<f32>row * step - 1.25);
    for (let column = 0; column < n; column += 4) {
      const cx = f32x4.add(
        f32x4.splat(<f32>column * step - 2.0),
        f32x4.mul(f32x4(0, 1, 2, 3), f32x4.splat(step)),
      );
      let x = f32x4.splat(0);
      let y = f32x4.splat(0);
      let small = i32x4.splat(-1);
      for (let i = 0; i < limit; i++) {
        const xx = f32x4.mul(x, x);
        const yy = f32x4.mul(y, y);
        small = v128.and(small, f32x4.lt(f32x4.add(xx, yy), four));
        if (!v128.any_true(small)) break;
        y = f32x4.add(f32x4.mul(f32x4.add(x, x), y), cy);
        x = f32x4.add(f32x4.sub(xx, yy), cx);
      }
      inside = i32x4.sub(inside, small);
    }
  }
  return (
    i32x4.extract_lane(inside, 0) +
    i32x4.extract_lane(inside, 1) +
    i32x4.extract_lane(inside, 2) +
    i32x4.extract_lane(inside, 3)
  );
}

/** Dot products of 1,024 numbers of 16 bits. */
export function dots(n: i32): i32 {
  const values = new StaticArray<i16>(2048);
  for (let i = 0; i < 2048; i++) unchecked((values[i] = <i16>(i * 7919)));
  const base = changetype<usize>(values);
  let total = 0;
  for (let i = 0; i < n; i++) {
    const other = base + <usize>((i & 1023) << 1);
    let sum = i32x4.splat(0);
    for (let at: usize = 0; at < 2048; at += 16) {
      sum = i32x4.add(
        sum,
        i32x4.dot_i16x8_s(v128.load(base + at), v128.load(other + at)),
      );
    }
    total ^= i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 2);
  }
  return total;
}
