import { isDeepStrictEqual } from 'node:util';
import type { Party, Principal } from '@sallyport/shared/access/principal.ts';
import { ConfigError } from '@sallyport/shared/errors/errors.ts';
import { hint } from '@sallyport/shared/errors/nearest.ts';
import type { ApplyOrder, ResourcesPort, StoredResource } from '../api/ports.ts';
import type { Json } from '../audit/event.ts';
import { durationMs } from '../config/duration.ts';
import { type Kind, type Specs, specs } from '../config/kinds.ts';
import { isKind, type Parsed, parseResources, type Resource, toConnection } from '../config/resources.ts';
import { secretFields } from '../config/secret-fields.ts';
import { workloadPresets } from '../config/workload-identity.ts';
import type { ServiceTerms } from '../identity/delegation.ts';
import type { DirectoryProvider } from '../identity/directory/provider.ts';
import { issuerOf, type NamedProvider, oidcProvidersOf, type ProviderSpec } from '../identity/federation/spec.ts';
import type { Identity } from '../identity/identity.ts';
import type { NamedWorkload } from '../identity/oauth/workloads.ts';
import { type OidcProvider, wrongIssuer } from '../identity/provider.ts';
import type { StoredUser } from '../identity/store.ts';
import { compileMasks } from '../masking/mask-set.ts';
import { httpActions } from '../policy/http-actions.ts';
import { compileRules } from '../policy/policy-set.ts';
import { consequence } from '../protocols/postgres/sql/effects.ts';
import { sshKinds } from '../protocols/ssh/actions.ts';
import { sftpKinds } from '../protocols/ssh/sftp/operations.ts';
import type { Access, CurrentAccess } from '../sessions/access.ts';
import { withSecrets } from '../store/sealing/fields.ts';
import { isSealed } from '../store/sealing/keyring.ts';
import type { SealedResources } from '../store/sealing/resources.ts';
import { directoryProviderOf } from './directory.ts';

export interface ResourcesParts {
  readonly store: SealedResources;
  readonly identity: Identity;
  readonly access: CurrentAccess;
  /** Keys what `as: hash` shows. */
  readonly hashKey: Uint8Array;
  /** Durable before the effect. */
  readonly journal: (type: string, by: Party, data: { [key: string]: Json }) => Promise<void>;
  readonly onUserRemoved: (principalId: string) => void;
  /** What belongs to the account goes with it. */
  readonly onServiceRemoved?: (name: string) => Promise<void>;
  /** After each change: providers, service accounts and users may mean other people now. */
  readonly onChanged?: () => Promise<void>;
}

/** What an application would lead to. */
export interface Preview {
  readonly outcomes: Awaited<ReturnType<ResourcesPort['apply']>>;
  readonly resources: readonly Resource[];
  readonly access: Access;
}

/** What a password looks like to whoever lists resources. */
const shown = '(set)';

/** Applies resources: checked as a whole, journalled, stored, and then in force. */
export class AppliedResources implements ResourcesPort {
  readonly #parts: ResourcesParts;
  #providers: readonly OidcProvider[] = [];
  #directories: readonly DirectoryProvider[] = [];
  #federated: readonly NamedProvider[] = [];
  #workloads: readonly NamedWorkload[] = [];
  #notifiers: readonly Resource<'Notifier'>[] = [];
  #services: ReadonlyMap<string, ServiceTerms> = new Map();
  /** One application at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: ResourcesParts) {
    this.#parts = parts;
  }

  /** For the identity's ports, which are asked at each use. */
  get providers(): readonly OidcProvider[] {
    return this.#providers;
  }

  get directories(): readonly DirectoryProvider[] {
    return this.#directories;
  }

  /** For `Federation.replace`, whenever resources were applied. */
  get identityProviders(): readonly NamedProvider[] {
    return this.#federated;
  }

  get workloads(): readonly NamedWorkload[] {
    return this.#workloads;
  }

  get notifiers(): readonly Resource<'Notifier'>[] {
    return this.#notifiers;
  }

  serviceGroups(name: string): readonly string[] | undefined {
    return this.#services.get(name)?.groups;
  }

  service(name: string): ServiceTerms | undefined {
    return this.#services.get(name);
  }

  /** Puts what the store has in force. @throws Error that names the rule or mask which no longer compiles */
  async load(): Promise<void> {
    const { access, store } = this.#parts;
    const stored = await store.list();
    access.replace(accessOf(stored.map(resourceOf), await store.revision(), this.#parts.hashKey));
    this.#remember(stored);
  }

  async apply(order: ApplyOrder) {
    const run = this.#turn.then(() => this.#apply(order, undefined));
    this.#turn = run.catch(() => undefined);
    return run;
  }

  /** As `apply`, for files of a folder: what they no longer hold is removed. */
  async applyFiles(documents: ApplyOrder['documents']): Promise<void> {
    const by: Principal = { id: 'gateway', name: 'resources folder', groups: [], claims: {} };
    const run = this.#turn.then(() => this.#apply({ by, documents, resources: [], dryRun: false }, 'files'));
    this.#turn = run.catch(() => undefined);
    await run;
  }

  /** What would be in force if the order were carried out, and `deletions` (`Kind/name`) gone. Changes nothing. */
  async preview(order: Pick<ApplyOrder, 'by' | 'documents'>, deletions: readonly string[] = []): Promise<Preview> {
    const { store, hashKey } = this.#parts;
    const { outcomes, after } = await this.#plan({ ...order, resources: [], dryRun: true }, undefined, true);
    const gone = new Set(deletions);
    const left = after.filter(({ kind, name }) => !gone.has(`${kind}/${name}`));
    const missing = deletions.find((one) => !after.some(({ kind, name }) => `${kind}/${name}` === one));
    if (missing !== undefined) throw new ConfigError('deletions', undefined, `there is no ${missing}`);
    return { outcomes, resources: left, access: accessOf(left, await store.revision(), hashKey) };
  }

  async #plan(order: ApplyOrder, source: string | undefined, isPreview = false) {
    const { store, hashKey } = this.#parts;
    const before = await store.list();
    const named = (one: { kind: string; name: string }): string => `${one.kind}/${one.name}`;
    const known = new Map(before.map((one) => [named(one), one]));
    const parsed = parseAll(order).map((one) => withKnownSecrets(one, known.get(named(one))));
    for (const one of isPreview ? [] : parsed) checkSource(one, known.get(named(one)), source);
    const outcomes = parsed.map((one) => {
      const old = known.get(named(one));
      const same = old !== undefined && isDeepStrictEqual(old.spec, kept(one)) && !hasPassword(one);
      return {
        kind: one.kind,
        name: one.name,
        outcome: old === undefined ? 'created' : same ? 'unchanged' : 'updated',
      } as const;
    });
    const wanted = new Set(parsed.map(named));
    const gone = source === undefined ? [] : before.filter((one) => one.source === source && !wanted.has(named(one)));
    const after = [
      ...before.filter((one) => !wanted.has(named(one)) && !gone.includes(one)).map(resourceOf),
      ...parsed,
    ];
    check(after, parsed, hashKey);
    return { parsed, outcomes, gone, after };
  }

  async #apply(order: ApplyOrder, source: string | undefined) {
    const { store, journal } = this.#parts;
    const { parsed, outcomes, gone } = await this.#plan(order, source);
    const named = (one: { kind: string; name: string }): string => `${one.kind}/${one.name}`;
    const changed = outcomes.filter(({ outcome }) => outcome !== 'unchanged').map(named);
    if (order.dryRun || (changed.length === 0 && gone.length === 0)) return outcomes;
    // What takes long or can fail is done first: then all of it is stored, or nothing.
    const users = (await Promise.all(parsed.map((one) => this.#user(one)))).filter((user) => user !== undefined);
    await journal('admin.apply', order.by, {
      changed,
      removed: gone.map(named),
      files: order.documents.map(({ file }) => file),
    });
    const at = Date.now();
    const put = parsed.map((one) => ({
      kind: one.kind,
      name: one.name,
      spec: kept(one),
      at,
      ...(source === undefined ? {} : { source }),
    }));
    await store.change({ put, users, remove: gone });
    for (const one of gone) await this.#gone(one.kind, one.name);
    await this.load();
    await this.#parts.onChanged?.();
    return outcomes;
  }

  async list(kind: string | undefined): Promise<readonly StoredResource[]> {
    const found = await this.#parts.store.listSealed(kind);
    return found.map(({ kind, name, spec, updatedAt }) => ({
      kind,
      name,
      spec: withoutSecrets(kind, spec),
      updatedAt,
    }));
  }

  async get(kind: string, name: string): Promise<StoredResource | undefined> {
    const found = await this.#parts.store.getSealed(kind, name);
    return found && { kind, name, spec: withoutSecrets(kind, found.spec), updatedAt: found.updatedAt };
  }

  async remove(kind: string, name: string, by: Principal): Promise<boolean> {
    const run = this.#turn.then(async () => {
      const { store, journal } = this.#parts;
      if ((await store.getSealed(kind, name)) === undefined) return false;
      await journal('admin.delete', by, { kind, name });
      await store.change({ put: [], users: [], remove: [{ kind, name }] });
      await this.#gone(kind, name);
      await this.load();
      await this.#parts.onChanged?.();
      return true;
    });
    this.#turn = run.catch(() => undefined);
    return run;
  }

  /** What belonged to it ends with it. */
  async #gone(kind: string, name: string): Promise<void> {
    if (kind === 'ServiceAccount') await this.#parts.onServiceRemoved?.(name);
    if (kind !== 'User') return;
    await this.#parts.identity.users.remove(name);
    this.#parts.onUserRemoved(`user:${name}`);
  }

  async #user({ kind, name, spec }: Parsed): Promise<StoredUser | undefined> {
    if (kind !== 'User') return undefined;
    const { groups, password } = spec as Resource<'User'>['spec'];
    const given = password === undefined || password === shown ? {} : { password };
    return this.#parts.identity.users.made({ name, groups, ...given });
  }

  #remember(stored: readonly { kind: string; name: string; spec: unknown }[]): void {
    const federated = stored
      .filter(({ kind }) => kind === 'IdentityProvider')
      .map(({ name, spec }) => ({ name, spec: spec as ProviderSpec }));
    this.#federated = federated;
    this.#providers = oidcProvidersOf(federated);
    this.#directories = federated.map(({ name, spec }) =>
      directoryProviderOf(name, specs.IdentityProvider.parse(spec)),
    );
    this.#workloads = stored.filter(({ kind }) => kind === 'WorkloadIdentity').map(workloadOf);
    this.#notifiers = stored
      .filter(({ kind }) => kind === 'Notifier')
      .map(({ name, spec }) => ({ kind: 'Notifier', name, spec: specs.Notifier.parse(spec) }));
    this.#services = new Map(
      stored.filter(({ kind }) => kind === 'ServiceAccount').map(({ name, spec }) => [name, serviceOf(spec)]),
    );
  }
}

/** What a folder keeps is changed in the folder, and what was applied by hand by hand: neither undoes the other. */
function checkSource(
  { kind, name, source: file }: Parsed,
  old: { source: string | undefined } | undefined,
  source: string | undefined,
) {
  if (old === undefined || old.source === source) return;
  throw file.problem(
    ['name'],
    source === undefined
      ? `${kind} ${name} is kept by the gateway's folder of resources: change it there`
      : `${kind} ${name} was applied by hand: delete it first (sallyport delete ${kind} ${name})`,
  );
}

/** What was shown in place of a secret means the secret that is there. */
function withKnownSecrets(one: Parsed, old: StoredResource | undefined): Parsed {
  const fields = secretFields[one.kind] ?? [];
  const before = new Map<string, string>();
  withSecrets(old?.spec ?? {}, fields, (text, field) => {
    before.set(field, text);
    return text;
  });
  const spec = withSecrets(one.spec as { [key: string]: Json }, fields, (text, field) => {
    if (isSealed(text))
      throw one.source.problem(['spec', ...field.split('.')], 'a sealed secret cannot be applied: write it');
    if (text !== shown) return text;
    const known = before.get(field);
    if (known !== undefined) return known;
    throw one.source.problem(['spec', ...field.split('.')], `no ${field} is kept for this ${one.kind}: write it`);
  });
  return { ...one, spec } as Parsed;
}

function parseAll({ documents, resources }: ApplyOrder): Parsed[] {
  const parsed = documents.flatMap(({ file, text }) => parseResources(text, file));
  // Resources that came as JSON are YAML too.
  for (const { kind, name, spec } of resources) {
    parsed.push(...parseResources(JSON.stringify({ kind, name, spec }), `${kind}/${name}`));
  }
  const seen = new Map<string, Parsed>();
  for (const one of parsed) {
    const twin = seen.get(`${one.kind}/${one.name}`);
    if (twin !== undefined)
      throw one.source.problem(['name'], `${one.kind} ${one.name} is also in ${twin.source.file}`);
    seen.set(`${one.kind}/${one.name}`, one);
  }
  return parsed;
}

const actions = new Set<string>([
  ...consequence,
  'session.open',
  'postgres.query',
  'postgres.execute',
  ...sshKinds,
  ...sftpKinds,
  'permit',
  'write',
  'read',
  'link',
  'shell',
  'forward',
  ...httpActions,
]);

function checkRule(rule: Resource<'Rule'>): void {
  const wrong = rule.spec.actions?.find((action) => !actions.has(action));
  if (wrong !== undefined) throw new Error(`actions: there is no ${wrong}; ${hint(wrong, actions)}`);
  compileRules([rule] as never);
}

/** Checks begin their messages with the key that is wrong, where it is one of the spec's; a condition's do not. */
function placeOf(message: string): string[] {
  const [, key] = /^(?:(?:rule|mask) [^:]*: )?([a-z]+)[.:]/i.exec(message) ?? [];
  return key === undefined ? ['when'] : [key];
}

/** Everything together must compile; who wrote the wrong one is told the line. */
function check(after: readonly Resource[], parsed: readonly Parsed[], hashKey: Uint8Array): void {
  for (const one of parsed) {
    try {
      if (one.kind === 'Rule') checkRule(one as Resource<'Rule'>);
      if (one.kind === 'Mask') compileMasks([one as Resource<'Mask'>] as never, { hashKey });
      if (one.kind === 'IdentityProvider') {
        const { spec } = one as Resource<'IdentityProvider'>;
        const wrong = spec.type === 'oidc' ? wrongIssuer(issuerOf(spec)) : undefined;
        if (wrong !== undefined) throw new Error(`issuer: ${wrong}`);
      }
      if (one.kind === 'WorkloadIdentity') {
        const wrong = wrongIssuer(workloadOf(one).spec.issuer);
        if (wrong !== undefined) throw new Error(`issuer: ${wrong}`);
      }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw one.source.problem(['spec', ...placeOf(message)], message);
    }
  }
  accessOf(after, 0, hashKey);
}

function accessOf(resources: readonly Resource[], revision: number, hashKey: Uint8Array): Access {
  const of = <K extends Kind>(kind: K): Resource<K>[] =>
    resources.filter((one): one is Resource<K> => (one.kind as Kind) === kind);
  return {
    revision,
    connections: new Map(of('Connection').map((one) => [one.name, toConnection(one)])),
    policy: compileRules(of('Rule') as never),
    masks: compileMasks(of('Mask') as never, { hashKey }),
  };
}

/** Nothing may be reached: until the resources have been read. */
export const noAccess = (hashKey: Uint8Array): Access => accessOf([], -1, hashKey);

function resourceOf({ kind, name, spec }: { kind: string; name: string; spec: unknown }): Resource {
  if (!isKind(kind))
    throw new ConfigError('the store', undefined, `it holds a ${kind}, which this version does not know`);
  return { kind, name, spec: specs[kind].parse(withoutMark(kind, spec)) } as Resource;
}

/** What the store keeps: never a password. */
function kept({ kind, spec }: Resource): { [key: string]: Json } {
  const plain = JSON.parse(JSON.stringify(spec)) as { [key: string]: Json };
  if (kind === 'User' && plain['password'] !== undefined) plain['password'] = shown;
  return plain;
}

const hasPassword = ({ kind, spec }: Resource): boolean =>
  kind === 'User' && ![undefined, shown].includes((spec as Resource<'User'>['spec']).password);

const withoutMark = (kind: string, spec: unknown): unknown => {
  if (kind !== 'User') return spec;
  const { password: _, ...rest } = spec as { password?: unknown };
  return rest;
};

/** Whoever lists resources sees that there is a secret. */
const withoutSecrets = (kind: string, spec: { readonly [key: string]: Json }): { readonly [key: string]: Json } =>
  withSecrets(spec, secretFields[kind] ?? [], () => shown);

function serviceOf(spec: unknown): ServiceTerms {
  const { groups, mayActFor, from } = specs.ServiceAccount.parse(spec);
  const { groups: ofGroups = [], users = [] } = mayActFor ?? {};
  return {
    groups,
    ...(from && { from }),
    ...(mayActFor && { mayActFor: { groups: ofGroups, users } }),
  };
}

function workloadOf({ name, spec }: { name: string; spec: unknown }): NamedWorkload {
  const { preset, issuer, audience, match, ttl, from } = spec as Specs['WorkloadIdentity'];
  const ttlMs = ttl === undefined ? undefined : durationMs(ttl);
  return {
    name,
    spec: {
      issuer: issuer ?? (preset === undefined ? '' : workloadPresets[preset]),
      audiences: [audience].flat(),
      match: match.map(({ connection, ...rest }) => (connection === undefined ? rest : { ...rest, connection })),
      ...(ttlMs === undefined ? {} : { ttlMs }),
      ...(from && { from }),
    },
  };
}
