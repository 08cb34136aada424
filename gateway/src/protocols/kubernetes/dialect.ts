import type { Action } from '@sallyport/shared/access/action.ts';
import type { KubernetesFacts } from '@sallyport/shared/access/kubernetes.ts';
import { WireError } from '@sallyport/shared/errors/errors.ts';
import type { ReplyHead } from '@sallyport/shared/wire/http/frames.ts';
import { type Headers, valuesOf, withField, without } from '@sallyport/shared/wire/http/headers.ts';
import type { Conversation, Dialect, DialectRequest, Outgoing, Reply } from '../http/dialect.ts';
import { readJson } from '../http/json/read.ts';
import { textFilter } from '../http/masking/text.ts';
import type { Backing, Exposure, Veil } from '../protocol.ts';
import { jsonFilter } from './masking/json-filter.ts';
import { mayHide } from './masking/objects.ts';
import { webSocketFilter } from './masking/web-socket.ts';
import { requestInfo } from './request-info.ts';
import { statusOf } from './status.ts';

/** Of a body that a rule reads, or that people are to see. Bytes. */
const MAX_BODY_BYTES = 1024 * 1024;
const MAX_SHOWN_BYTES = 8 * 1024;

/** Kubernetes' API over HTTP: its verbs and resources for rules, its Status for people, its objects for masks. */
export const kubernetesDialect: Dialect = {
  protocol: 'kubernetes',
  answer: statusOf,
  settings: ({ name, groups }, { target }) =>
    target.kubernetes?.impersonates === true ? { user: name, groups: JSON.stringify(groups) } : {},
  conversation: (request, backing) => new KubernetesConversation(request, backing),
};

const effects: Readonly<Record<string, string>> = {
  get: 'read',
  list: 'read',
  watch: 'read',
  create: 'write',
  update: 'write',
  patch: 'write',
  delete: 'delete',
  deletecollection: 'delete',
  proxy: 'proxy',
  options: 'read',
  head: 'read',
  post: 'write',
  put: 'write',
};

/** What goes into a pod, by subresource. */
const streams: Readonly<Record<string, string>> = { exec: 'exec', attach: 'exec', portforward: 'forward' };

class KubernetesConversation implements Conversation {
  readonly bodyLimitBytes: number;
  readonly #request: DialectRequest;
  readonly #backing: Backing;
  readonly #facts: KubernetesFacts;

  constructor(request: DialectRequest, backing: Backing) {
    const { head, target } = request;
    this.#request = request;
    this.#backing = backing;
    this.#facts = requestInfo({ method: head.method, path: target.path, query: target.query });
    const writes = ['create', 'update', 'patch'].includes(this.#facts.verb);
    this.bodyLimitBytes = backing.readsBody || (writes && this.#hides) ? MAX_BODY_BYTES : 0;
  }

  action(body: Buffer | undefined): Action {
    const { head, target } = this.#request;
    const { verb, resource, subresource } = this.#facts;
    const stream = resource === 'pods' ? streams[subresource] : undefined;
    const isSecret = resource === 'secrets';
    const own = stream ?? effects[verb] ?? 'unknown';
    const http = {
      method: head.method,
      path: target.path,
      query: target.query,
      host: this.#backing.connection.target.host,
    };
    const value = body === undefined ? undefined : body.length === 0 ? {} : readJson(body);
    const told = value === undefined ? http : Object.defineProperty({ ...http }, 'body', { value, enumerable: false });
    return {
      kind: 'kube.request',
      verb,
      effects: isSecret ? [own, 'secrets'] : [own],
      text: this.#text(body),
      http: told,
      kubernetes: this.#facts,
    };
  }

  outgoing(body: Buffer | undefined): Outgoing {
    const { head } = this.#request;
    const plain = head.headers.filter(([name]) => !name.startsWith('impersonate-') && !name.startsWith('x-remote-'));
    const headers = this.#backing.veil === undefined ? plain : readable(plain, this.#hides);
    return { head: { ...head, headers }, body };
  }

  /** What was hidden cannot be written back, in whatever form it was shown: it would take the place of the value. */
  exposure(body: Buffer | undefined): Exposure | undefined {
    const { verb, name, resource } = this.#facts;
    const { veil } = this.#backing;
    if (veil === undefined || !this.#hides || (verb !== 'update' && verb !== 'patch') || !this.#writesValues(body))
      return undefined;
    return {
      masks: [],
      reveals: {
        mask: veil.unknown.mask,
        message: `a mask hides values of ${resource} from you here, so that you cannot change those of ${name}`,
        hint: 'What you were shown would be written in their place. Ask somebody who may see them.',
      },
    };
  }

  reply(head: ReplyHead): Reply {
    const { veil } = this.#backing;
    if (veil === undefined || (!this.#hides && !veil.inspects)) return { head };
    if (head.status === 101) return this.#upgraded(head, veil);
    if (head.status === 204 || head.status === 304 || this.#request.head.method === 'HEAD') return { head };
    // What the API itself is like holds nobody's values.
    if (this.#facts.resource === '') return { head };
    if (valuesOf(head.headers, 'content-encoding').some((coding) => coding !== 'identity'))
      throw unreadable('it is compressed');
    const [type = ''] = valuesOf(head.headers, 'content-type').map(
      (value) => value.split(';')[0]?.trim().toLowerCase() ?? '',
    );
    const shown = { ...head, headers: without(head.headers, 'content-length', 'etag', 'digest') };
    if (type === 'application/json') return { head: shown, body: jsonFilter(veil, this.#facts.verb === 'watch') };
    if (type === 'text/plain' || type === '') return { head: shown, body: textFilter(veil) };
    throw unreadable(`it is ${type.slice(0, 64)}`);
  }

  /** A mask may hide something of what is asked for. */
  get #hides(): boolean {
    const { veil } = this.#backing;
    const { namespace, resource } = this.#facts;
    return veil !== undefined && mayHide(veil, namespace === '' ? '*' : namespace, resource);
  }

  #upgraded(head: ReplyHead, veil: Veil): Reply {
    const { subresource } = this.#facts;
    if (subresource === 'portforward') return { head };
    const [upgrade = ''] = valuesOf(head.headers, 'upgrade');
    if (upgrade.toLowerCase() !== 'websocket') throw unreadable('it goes over SPDY; a newer kubectl speaks WebSocket');
    const [protocol = ''] = valuesOf(head.headers, 'sec-websocket-protocol');
    return { head, body: webSocketFilter(veil, protocol) };
  }

  #writesValues(body: Buffer | undefined): boolean {
    const value = body === undefined ? undefined : readJson(body);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return true;
    return ['data', 'stringData', 'binaryData'].some((field) => field in value);
  }

  #text(body: Buffer | undefined): string {
    const { verb, group, resource, subresource, namespace, name } = this.#facts;
    const { query, path } = this.#request.target;
    if (resource === '') return `${verb} ${path}`;
    const kind = [group === '' ? resource : `${resource}.${group}`, subresource]
      .filter((part) => part !== '')
      .join('/');
    const where = namespace === '' || resource === 'namespaces' ? '' : ` -n ${namespace}`;
    const command = subresource === 'exec' ? ` -- ${(query['command'] ?? []).join(' ')}` : '';
    const line = `${verb} ${kind}${name === '' ? '' : ` ${name}`}${where}${command}`;
    const shows = this.#backing.readsBody && body !== undefined && body.length > 0 && resource !== 'secrets';
    return shows ? `${line}\n\n${body.subarray(0, MAX_SHOWN_BYTES).toString('utf8')}` : line;
  }
}

/** What can be looked at: JSON as text, whole, not compressed. Tables stay tables. */
function readable(headers: Headers, isProtected: boolean): Headers {
  const plain = withField(without(headers, 'range', 'if-range', 'if-none-match'), 'accept-encoding', 'identity');
  const accepted = valuesOf(headers, 'accept').flatMap((value) => value.split(','));
  const json = accepted.map((one) => one.trim()).filter((one) => /^application\/json\b/i.test(one));
  if (json.length > 0) return withField(plain, 'accept', json.join(','));
  const isAnything =
    accepted.length === 0 || accepted.some((one) => one.includes('*/*') || /protobuf|yaml|cbor/i.test(one));
  return isAnything && (isProtected || accepted.some((one) => /protobuf|yaml|cbor/i.test(one)))
    ? withField(plain, 'accept', 'application/json')
    : plain;
}

const unreadable = (why: string): WireError =>
  new WireError('ERR_WIRE_UNSUPPORTED', `A mask applies to you here, and the answer cannot be read: ${why}`);
