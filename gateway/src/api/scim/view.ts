import { type Document, isObject, type Json } from './document.ts';
import type { View } from './query.ts';
import type { ResourceType } from './resource-type.ts';

const always = new Set(['schemas', 'id']);

/** As much of a resource as was asked for. @see RFC 7644, 3.9 */
export function viewed(document: Document, { attributes, excluded }: View, type: ResourceType): Document {
  const shown: Record<string, Json> = {};
  for (const [name, value] of Object.entries(document)) {
    const spelled = spellings(name, type);
    const part = (of: ReadonlySet<string>, key: string): boolean =>
      spelled.some((path) => of.has(`${path}.${key}`.toLowerCase()) || of.has(`${path}:${key}`.toLowerCase()));
    const isIn = (of: ReadonlySet<string>): boolean => spelled.some((path) => of.has(path));
    let kept: Json | undefined = value;
    if (!always.has(name)) {
      if (attributes !== undefined && !isIn(attributes)) kept = partsOf(value, (key) => part(attributes, key));
      if (isIn(excluded)) kept = undefined;
      else if (excluded.size > 0 && isComplex(kept)) kept = partsOf(kept, (key) => !part(excluded, key));
    }
    if (kept !== undefined) shown[name] = kept;
  }
  return shown;
}

/** Whether an attribute has to be read from the store at all; lower case. */
export const isWanted = ({ attributes, excluded }: View, name: string): boolean =>
  !excluded.has(name) && (attributes === undefined || [...attributes].some((each) => each.includes(name)));

/** `emails` and `urn:…:User:emails`; an extension has its URN only. */
function spellings(name: string, { schema, extensions }: ResourceType): string[] {
  const plain = name.toLowerCase();
  return extensions.some(({ id }) => id === name) ? [plain] : [plain, `${schema.id.toLowerCase()}:${plain}`];
}

const isComplex = (value: Json | undefined): value is Json => typeof value === 'object' && value !== null;

/** Undefined where nothing is left. */
function partsOf(value: Json, keep: (part: string) => boolean): Json | undefined {
  if (Array.isArray(value)) {
    const kept = value.map((each) => partsOf(each as Json, keep)).filter((each) => each !== undefined);
    return kept.length === 0 ? undefined : kept;
  }
  if (!isObject(value)) return undefined;
  const kept = Object.entries(value as Document).filter(([part]) => keep(part));
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}
