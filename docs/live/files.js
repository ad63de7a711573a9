

export function safetensors({ config: { n_embd: D }, parameters, vector }) {
  let at = 0;
  const header = [...parameters].map(([name, { length }]) => {
    const columns = name.includes("down") ? 4 * D : D;
    const shape = name.endsWith("bias") || name.includes("ln_") ? [length] : [length / columns, columns];
    return [name, { dtype: "F64", shape, data_offsets: [at, (at += 8 * length)] }];
  });
  const text = JSON.stringify(Object.fromEntries(header)), start = 8 + Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(start + at).fill(32, 8, start), view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(start - 8), true);
  bytes.set(new TextEncoder().encode(text), 8);
  vector.forEach((weight, i) => view.setFloat64(start + 8 * i, weight, true));
  return bytes;
}

export function json(trace, weights) {
  const nested = (data, [count, ...rest]) =>
    rest.length
      ? Array.from({ length: count }, (_, n) => nested(data.slice((n * data.length) / count, ((n + 1) * data.length) / count), rest))
      : data;
  return JSON.stringify({ ...trace, weights }, (_, value) => {
    if (value instanceof Float64Array) return [...value];
    return value?.data instanceof Float64Array ? nested([...value.data], value.shape) : value;
  });
}
