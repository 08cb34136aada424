import type { KubernetesFacts } from '@sallyport/shared/access/kubernetes.ts';

export interface ApiRequest {
  readonly method: string;
  /** Normalised, without the connection's prefix. */
  readonly path: string;
  readonly query: Readonly<Record<string, readonly string[]>>;
}

const verbs: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Of a namespace itself; everything else behind one is a resource in it. */
const ofNamespaces = new Set(['status', 'finalize']);
/** Streams into a pod need `create`, whatever the method: a WebSocket begins with a GET. */
const streams = new Set(['exec', 'attach', 'portforward']);

/**
 * Reads a request as an API server does for its authorization (k8s.io/apiserver, RequestInfoFactory), so that a rule of the
 * gateway and a rule of the cluster are about the same thing.
 */
export function requestInfo({ method, path, query }: ApiRequest): KubernetesFacts {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decoded);
  const [prefix] = parts;
  const skip = prefix === 'api' ? 1 : prefix === 'apis' ? 2 : 0;
  if (skip === 0 || parts.length < skip + 2) return { ...nothing, verb: method.toLowerCase() };
  const group = prefix === 'apis' ? (parts[1] ?? '') : '';
  const version = parts[skip] ?? '';
  let rest = parts.slice(skip + 1);
  let verb = verbs[method] ?? method.toLowerCase();
  if (rest[0] === 'proxy' || rest[0] === 'watch') [verb = '', ...rest] = rest;
  let namespace = '';
  if (rest[0] === 'namespaces' && rest.length > 1) {
    namespace = rest[1] ?? '';
    if (rest.length > 2 && !ofNamespaces.has(rest[2] ?? '')) rest = rest.slice(2);
  }
  const [resource = '', name = '', third = ''] = rest;
  const subresource = verb === 'proxy' ? '' : third;
  const named = name === '' ? selected(query) : name;
  return {
    verb: verbOf(verb, { resource, subresource, name, isWatch: isSet(query['watch']), isMany: name === '' }),
    group,
    version,
    resource,
    subresource,
    namespace,
    name: named,
  };
}

const nothing = { group: '', version: '', resource: '', subresource: '', namespace: '', name: '' };

interface Asked {
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  readonly isWatch: boolean;
  readonly isMany: boolean;
}

function verbOf(verb: string, { resource, subresource, isWatch, isMany }: Asked): string {
  if (subresource === 'proxy' || verb === 'proxy') return 'proxy';
  if (resource === 'pods' && streams.has(subresource)) return 'create';
  // A watch of one object is a watch, though its path names it.
  if (verb === 'get' && (isMany || isWatch)) return isWatch ? 'watch' : 'list';
  if (verb === 'delete' && isMany) return 'deletecollection';
  return verb;
}

/** Go's strconv.ParseBool, as the API server reads it; anything else that is there counts as set. */
const isSet = (values: readonly string[] | undefined): boolean =>
  values !== undefined && values.length > 0 && !['0', 'f', 'F', 'false', 'False', 'FALSE'].includes(values[0] ?? '');

/** One object by `fieldSelector=metadata.name=NAME`. */
function selected(query: ApiRequest['query']): string {
  const [selector = ''] = query['fieldSelector'] ?? [];
  return /(?:^|,)metadata\.name==?([^,=]+)(?:,|$)/.exec(selector)?.[1] ?? '';
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
