/** ` did you mean …?` with the nearest of the right names; all of them where none is near. */
export function hint(wrong: string, right: Iterable<string>): string {
  const names = [...right];
  const ranked = names
    .map((name) => ({ name, distance: distance(wrong, name) }))
    .sort((a, b) => a.distance - b.distance);
  const [nearest] = ranked;
  if (nearest !== undefined && nearest.distance <= Math.max(2, wrong.length / 3))
    return `did you mean ${nearest.name}?`;
  return `there are: ${names.join(', ')}`;
}

/** Levenshtein's distance; the names are short. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 0; i < Math.min(a.length, 64); i += 1) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j += 1) {
      const swap = (row[j] ?? 0) + (a[i]?.toLowerCase() === b[j]?.toLowerCase() ? 0 : 1);
      next.push(Math.min(swap, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
