/** Fields of JSON that a mask names, on the paths where it does. */
export interface FieldPattern {
  readonly matchesPath: (requestPath: string) => boolean;
  /** Names of members, and indexes of lists as numbers, from the root of the value. */
  readonly matchesField: (field: readonly (string | number)[]) => boolean;
}

interface Step {
  readonly kind: 'key' | 'any' | 'deep';
  readonly value?: string | number;
}

const pathPart = /^(\/[^\s:]*):\s*(?=\$)/;
const step = /\.\.(?=[[\w*])|\.?\*|\.([A-Za-z_][\w-]*)|\[\*\]|\[(\d{1,9})\]|\['((?:[^'\\]|\\.)+)'\]|([A-Za-z_][\w-]*)/y;

/**
 * Reads `$.users[*].email`, `$..secret`, `$['odd name']`, or one of these behind a path of requests: `/api/users/**: $.email`.
 * In a path `*` is any run of characters but slashes, `**` any at all.
 * @throws Error that says what is wrong
 */
export function readFieldPattern(text: string): FieldPattern {
  const match = pathPart.exec(text);
  const field = match === null ? text : text.slice(match[0].length);
  const steps = readSteps(field, text);
  return {
    matchesPath: match === null ? () => true : pathGlob(match[1] as string),
    matchesField: (path) => matches(steps, 0, path, 0),
  };
}

function readSteps(field: string, text: string): Step[] {
  if (!field.startsWith('$'))
    throw new Error(`fields: "${text}" does not start with $; write it like $.users[*].email`);
  const steps: Step[] = [];
  let at = 1;
  while (at < field.length) {
    step.lastIndex = at;
    const found = step.exec(field);
    const isBare = found?.[4] !== undefined && steps.at(-1)?.kind !== 'deep';
    if (found === null || isBare) throw new Error(`fields: "${text}" cannot be read at "${field.slice(at, at + 20)}"`);
    steps.push(stepOf(found));
    at = step.lastIndex;
  }
  if (steps.length === 0 || steps.at(-1)?.kind === 'deep') throw new Error(`fields: "${text}" names no field`);
  return steps;
}

function stepOf([all, dotted, index, quoted, bare]: RegExpExecArray): Step {
  if (all === '..') return { kind: 'deep' };
  const name = dotted ?? bare ?? quoted?.replace(/\\(.)/g, '$1');
  if (name !== undefined) return { kind: 'key', value: name };
  return index === undefined ? { kind: 'any' } : { kind: 'key', value: Number(index) };
}

function matches(steps: readonly Step[], at: number, path: readonly (string | number)[], from: number): boolean {
  const wanted = steps[at];
  if (wanted === undefined) return from === path.length;
  if (wanted.kind === 'deep') {
    for (let next = from; next < path.length; next++) if (matches(steps, at + 1, path, next)) return true;
    return false;
  }
  if (from >= path.length) return false;
  return (wanted.kind === 'any' || wanted.value === path[from]) && matches(steps, at + 1, path, from + 1);
}

function pathGlob(glob: string): (path: string) => boolean {
  const source = glob
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replace(/\*\*|\*/g, (stars) => (stars === '**' ? '.*' : '[^/]*'));
  const pattern = new RegExp(`^${source}$`, 's');
  return (path) => pattern.test(path);
}
