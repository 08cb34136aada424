import type { Veil } from '../../protocol.ts';

type Fields = { [key: string]: unknown };

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Kinds whose values masks may name, as the resource is called. */
const resources: Readonly<Record<string, string>> = { Secret: 'secrets', ConfigMap: 'configmaps' };
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Whether any mask of these may hide something of the resource in that namespace. `*` stands for every namespace. */
export const mayHide = (veil: Veil, namespace: string, resource: string): boolean =>
  Object.values(resources).includes(resource) && veil.mayProtect([namespace, resource]);

/**
 * Hides values in an object of the API's, in place: of Secrets and ConfigMaps, in lists, watch events, tables, and in what
 * kubectl keeps of the last configuration. A mask names them `NAMESPACE.secrets.KEY`, or `NAMESPACE.secrets.data` for all.
 * `kind`: of the objects in a list that does not say it of each.
 */
export function hideValues(value: unknown, veil: Veil, kind?: string): void {
  if (!isObject(value)) return;
  const own = typeof value['kind'] === 'string' ? value['kind'] : kind;
  // A watch event.
  if (typeof value['type'] === 'string' && isObject(value['object'])) hideValues(value['object'], veil);
  const items = value['items'];
  if (Array.isArray(items)) for (const item of items) hideValues(item, veil, own?.replace(/List$/, ''));
  const rows = value['rows'];
  if (own === 'Table' && Array.isArray(rows))
    for (const row of rows) if (isObject(row)) hideValues(row['object'], veil);
  const resource = own === undefined ? undefined : resources[own];
  if (resource !== undefined) hideOf(value, resource, veil);
}

function hideOf(object: Fields, resource: string, veil: Veil): void {
  const metadata = isObject(object['metadata']) ? object['metadata'] : {};
  const namespace = typeof metadata['namespace'] === 'string' ? metadata['namespace'] : '';
  for (const field of ['data', 'binaryData', 'stringData'] as const) {
    const values = object[field];
    if (!isObject(values)) continue;
    const isEncoded = field === 'binaryData' || (field === 'data' && resource === 'secrets');
    for (const [key, value] of Object.entries(values)) {
      if (typeof value === 'string') values[key] = hidden(value, [namespace, resource, key], isEncoded, veil);
    }
  }
  const annotations = isObject(metadata['annotations']) ? metadata['annotations'] : {};
  const applied = annotations[LAST_APPLIED];
  if (typeof applied === 'string') annotations[LAST_APPLIED] = appliedOf(applied, veil);
}

/** Stays of the form that it had: a Secret's values are base64. */
function hidden(value: string, path: readonly [string, string, string], isEncoded: boolean, veil: Veil): string {
  const [namespace, resource] = path;
  const treatment = veil.treatment(path) ?? veil.treatment([namespace, resource, 'data']);
  const bytes = Buffer.from(value, isEncoded ? 'base64' : 'utf8');
  const shown = treatment === undefined ? veil.inspect(bytes) : (veil.replace(bytes, treatment) ?? Buffer.alloc(0));
  if (shown === bytes) return value;
  return shown.toString(isEncoded ? 'base64' : 'utf8');
}

/** What cannot be read is not shown. */
function appliedOf(text: string, veil: Veil): string {
  try {
    const object: unknown = JSON.parse(text);
    hideValues(object, veil);
    return JSON.stringify(object);
  } catch {
    return '';
  }
}
