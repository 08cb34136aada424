/** Tests names against a pattern in which `*` stands for any run of characters. Linear in the name's length. */
export function globOf(pattern: string): (name: string) => boolean {
  if (!pattern.includes('*')) return (name) => name === pattern;
  if (pattern === '*') return () => true;
  const literals = pattern.split('*');
  return (name) => matches(literals, name);
}

/** Leftmost search for each literal between stars: right because every star may stretch. */
function matches(literals: readonly string[], name: string): boolean {
  const [first = '', ...rest] = literals;
  const last = rest.pop() ?? '';
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  for (const literal of rest) {
    const found = name.indexOf(literal, at);
    if (found < 0) return false;
    at = found + literal.length;
  }
  return at <= name.length - last.length;
}
