import { commonAttributes, type Schema } from './attributes.ts';
import { type Document, isObject, type Json } from './document.ts';
import type { View } from './query.ts';
import type { ResourceType } from './resource-type.ts';

const always = new Set(['schemas', 'id']);

/** As much of a resource as was asked for. @see RFC 7644, 3.9 */
export function viewed(document: Document, { attributes, excluded }: View, type: ResourceType): Document {
  if (attributes === undefined && excluded.size === 0) return document;
  const shown: Record<string, Json> = {};
  for (const [name, value] of Object.entries(document)) {
    const extension = type.extensions.find(({ id }) => id === name);
    const keep = (path: string): boolean => isShown(path, extension ?? type.schema, attributes, excluded);
    if (always.has(name)) shown[name] = value;
    else if (extension === undefined ? keep(name) : keep('')) shown[name] = value;
    else {
      const parts = partsOf(value, (part) => keep(extension === undefined ? `${name}.${part}` : part));
      if (parts !== undefined) shown[name] = parts;
    }
  }
  // What is left out of a part of something that is shown.
  for (const [name, value] of Object.entries(shown)) {
    const isLeftOut = (part: string): boolean => excluded.has(`${name}.${part}`.toLowerCase());
    const parts = excluded.size === 0 || always.has(name) ? value : partsOf(value, (part) => !isLeftOut(part));
    if (parts !== undefined) shown[name] = parts;
  }
  return shown;
}

export const isWanted = ({ attributes, excluded }: View, name: string): boolean =>
  !excluded.has(name) &&
  (attributes === undefined ||
    [...attributes].some((each) => each === name || each.startsWith(`${name}.`) || each.includes(':')));

function isShown(
  path: string,
  schema: Schema,
  attributes: ReadonlySet<string> | undefined,
  excluded: ReadonlySet<string>,
): boolean {
  const plain = path.toLowerCase();
  const urn = schema.id.toLowerCase();
  const names = path === '' ? [urn] : [plain, `${urn}:${plain}`];
  if (attributes === undefined) return !names.some((name) => excluded.has(name));
  return names.some((name) => attributes.has(name));
}

function partsOf(value: Json, keep: (part: string) => boolean): Json | undefined {
  if (Array.isArray(value)) {
    const kept = value.map((each) => partsOf(each as Json, keep)).filter((each) => each !== undefined);
    return kept.length === 0 ? undefined : kept;
  }
  if (!isObject(value)) return value;
  const kept = Object.entries(value as Document).filter(([part]) => keep(part));
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

export const commonNames = new Set(commonAttributes.map(({ name }) => name));
