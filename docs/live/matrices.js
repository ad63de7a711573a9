
export class Matrix {
  constructor(data, rows, columns, start = 0, down = columns, across = 1) {
    this.data = data;
    this.rows = rows;
    this.columns = columns;
    this.start = start;
    this.down = down;
    this.across = across;
  }

  get transposed() {
    return new Matrix(this.data, this.columns, this.rows, this.start, this.across, this.down);
  }

  columnsFrom(first, count) {
    return new Matrix(this.data, this.rows, count, this.start + first * this.across, this.down, this.across);
  }
}

export function addProduct(sum, a, b) {
  const rows = sum.rows - (sum.rows % 2), columns = sum.columns - (sum.columns % 5);
  for (let i = 0; i < rows; i += 2) for (let j = 0; j < columns; j += 5) addTwoByFive(sum, a, b, i, j);
  for (let i = 0; i < sum.rows; i++)
    for (let j = i < rows ? columns : 0; j < sum.columns; j++) addOne(sum, a, b, i, j);
}

function addTwoByFive(sum, a, b, i, j) {
  const x = a.data, y = b.data, z = sum.data;
  const down = a.down, across = a.across, below = b.down, right = b.across, inner = a.columns;
  let r0 = 0, r1 = 0, r2 = 0, r3 = 0, r4 = 0, s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0;
  let p = a.start + i * down, q = b.start + j * right;
  for (let k = 0; k < inner; k++) {
    const r = x[p], s = x[p + down], y0 = y[q], y1 = y[q + right];
    r0 += r * y0; s0 += s * y0; r1 += r * y1; s1 += s * y1;
    const y2 = y[q + 2 * right], y3 = y[q + 3 * right], y4 = y[q + 4 * right];
    r2 += r * y2; s2 += s * y2; r3 += r * y3; s3 += s * y3; r4 += r * y4; s4 += s * y4;
    p += across;
    q += below;
  }
  const step = sum.across, at = sum.start + i * sum.down + j * step, next = at + sum.down;
  z[at] += r0; z[at + step] += r1; z[at + 2 * step] += r2; z[at + 3 * step] += r3; z[at + 4 * step] += r4;
  z[next] += s0; z[next + step] += s1; z[next + 2 * step] += s2; z[next + 3 * step] += s3; z[next + 4 * step] += s4;
}

function addOne(sum, a, b, i, j) {
  let p = a.start + i * a.down, q = b.start + j * b.across, total = 0;
  for (let k = 0; k < a.columns; k++, p += a.across, q += b.down) total += a.data[p] * b.data[q];
  sum.data[sum.start + i * sum.down + j * sum.across] += total;
}
