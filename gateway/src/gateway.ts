import { existsSync, mkdirSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { type Party, partyOf } from '@sallyport/shared/access/principal.ts';
import { version } from '@sallyport/shared/version.ts';
import { ensureAuthority } from './agents/authority.ts';
import { AgentHub } from './agents/hub.ts';
import { Console } from './api/console.ts';
import { observe } from './api/observe.ts';
import type { ApiPorts } from './api/ports.ts';
import { createApiServer, serverLimits } from './api/server.ts';
import { ApprovalDesk } from './approvals/approval-desk.ts';
import type { Json } from './audit/event.ts';
import { newEvent } from './audit/events.ts';
import { Journal } from './audit/journal.ts';
import { Publisher } from './audit/publisher.ts';
import type { Config, ListenAddress } from './config/config.ts';
import { ResourceFiles } from './config/files.ts';
import type { Json as KeptJson } from './identity/federation/browser-provider.ts';
import { federationOf } from './identity/federation/federation.ts';
import { ensureFirstUser } from './identity/first-user.ts';
import { Identity } from './identity/identity.ts';
import type { GrantKind } from './identity/oauth/grant-store.ts';
import { HttpListener } from './listeners/http.ts';
import { TcpListener } from './listeners/tcp.ts';
import { WebListener } from './listeners/web.ts';
import type { Log } from './log.ts';
import { postgresProtocol } from './protocols/postgres/protocol.ts';
import { SqlReader } from './protocols/postgres/sql/reader.ts';
import type { Protocol } from './protocols/protocol.ts';
import { sshProtocol } from './protocols/ssh/protocol.ts';
import { Recordings } from './recording/recordings.ts';
import { CurrentAccess } from './sessions/access.ts';
import { Activity } from './sessions/activity.ts';
import { Sessions } from './sessions/sessions.ts';
import { Stages } from './sessions/stages.ts';
import { Store } from './store/store.ts';
import { accessPort, openTimedAccess } from './wiring/access.ts';
import { agentsPort } from './wiring/agents.ts';
import { approvalsPort } from './wiring/approvals.ts';
import { auditPort } from './wiring/audit.ts';
import { connectionsPort } from './wiring/connections.ts';
import { directoriesPort, directoryOf } from './wiring/directory.ts';
import { healthPort } from './wiring/health.ts';
import { httpFront } from './wiring/http.ts';
import { identityPort } from './wiring/identity.ts';
import { keysPort, userAuthority } from './wiring/keys.ts';
import { approvalMetrics, metricsOf } from './wiring/metrics.ts';
import { natsCredentials } from './wiring/nats.ts';
import { hooksPort, notifierOf, notifiersPort, openNotifications } from './wiring/notifications.ts';
import { policyPort, readText } from './wiring/policy.ts';
import { AppliedResources, noAccess } from './wiring/resources.ts';
import { openSecrets, randomSecret } from './wiring/secrets.ts';
import { endWithSecrets, forgetService, serviceAccountsPort, warnOfSecrets } from './wiring/service-accounts.ts';
import { sessionsPort } from './wiring/sessions.ts';
import { signInOf } from './wiring/sign-in.ts';
import { sourceAlarm } from './wiring/source-alarm.ts';
import { knownHosts, openHostKeys } from './wiring/ssh.ts';

/** Where a running gateway is reached. */
export interface Reachable {
  readonly web: number | undefined;
  readonly tunnel: number | undefined;
  readonly postgres: number | undefined;
  /** HTTP APIs too. */
  readonly kubernetes: number | undefined;
  readonly ssh: number | undefined;
  readonly metrics: number | undefined;
}

export interface Gateway {
  readonly ports: Reachable;
  /** The file with the first administrator's password, where one was made. */
  readonly passwordFile: string | undefined;
  /** Takes no more clients, ends the sessions, and puts everything down in order. */
  stop(): Promise<void>;
}

const HOUR_MS = 60 * 60 * 1000;

/** Seals everything with the current key and ends. @throws ConfigError, Unavailable where a gateway runs, or a key is missing */
export async function reseal(config: Config, log: Log): Promise<void> {
  mkdirSync(config.data, { recursive: true, mode: 0o700 });
  // Holds the folder: a gateway that runs would meet secrets of a key that it does not have.
  const journal = await Journal.open(join(config.data, 'journal'), config.journal);
  try {
    const store = await Store.open(config.data);
    await openSecrets(config, store, log).finally(() => store.close());
  } finally {
    await journal.close();
  }
}

/** Puts a gateway together and starts it. @throws ConfigError, Unavailable: which part, and why */
export async function startGateway(config: Config, log: Log): Promise<Gateway> {
  const undo: (() => unknown)[] = [];
  const later = <T>(thing: T, stop: (thing: T) => unknown): T => {
    undo.push(() => stop(thing));
    return thing;
  };
  const stop = async (): Promise<void> => {
    for (const each of undo.splice(0).reverse()) {
      try {
        await each();
      } catch (error) {
        log('something did not stop as it should', { error });
      }
    }
  };
  try {
    return { ...(await assemble(config, log, later)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Later = <T>(thing: T, stop: (thing: T) => unknown) => T;

async function assemble(config: Config, log: Log, later: Later): Promise<Omit<Gateway, 'stop'>> {
  const { data, listen } = config;
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const journal = later(await Journal.open(join(data, 'journal'), config.journal), (one) => one.close());
  if (journal.recovery !== undefined) log('the journal had a torn end, which was cut off', { ...journal.recovery });
  const store = later(await Store.open(data), (one) => one.close());
  await store.sessions.closeOrphans(Date.now());
  const secrets = await openSecrets(config, store, log);
  const authority = await ensureAuthority(data, namesOf(config), secrets.files);
  const certificate = config.tls ?? { cert: authority.certificateChain, key: authority.serverKey };

  const admin = async (type: string, by: Party, facts: { [key: string]: Json }) => {
    await journal.appendDurable(newEvent(type, { principal: partyOf(by), data: facts }));
  };
  const hashKey = randomSecret(secrets.files, join(data, 'mask.key'));
  const sshAuthority = userAuthority(secrets.files, join(data, 'ssh-user-ca.key'));
  const access = new CurrentAccess(noAccess(hashKey));
  const directory = directoryOf({
    store: store.directory,
    journal,
    providers: () => resources.directories,
    identity: () => identity,
    sessions: () => sessions,
  });
  const identity: Identity = Identity.create({
    store: store.identity,
    secrets: store.serviceSecrets,
    directory,
    tokens: { ttlMs: config.tokens.ttl, maxTtlMs: config.tokens.maxTtl },
    providers: () => resources.providers,
    ssh: { store: store.sshKeys, authority: sshAuthority },
    services: (name) => resources.service(name),
    onElsewhere: sourceAlarm(journal),
  });
  const resources: AppliedResources = new AppliedResources({
    store: secrets.resources,
    identity,
    access,
    hashKey,
    journal: admin,
    onChanged: () => {
      federation.replace(resources.identityProviders);
      notifications.replace(resources.notifiers.map(notifierOf(access)));
      return sessions.reviewPeople(() => true);
    },
    onServiceRemoved: (name) => forgetService(identity, name),
    onUserRemoved: (id) => {
      sessions.endWhere(({ principal }) => principal.id === id, 'the user was removed');
      timed.grants
        .endOf(id, 'the user was removed')
        .catch((error) => log('a grant did not end as it should', { error }));
    },
  });
  const publicUrl = config.publicUrl ?? defaultUrl(listen.web);
  const federation = federationOf([], { publicUrl });
  await resources.load();
  federation.replace(resources.identityProviders);
  const notifications = later(openNotifications({ journal, data, publicUrl, log }), (one) => one.stop());
  notifications.replace(resources.notifiers.map(notifierOf(access)));
  const grants = store.grants<GrantKind, KeptJson>(secrets.keyring);
  const first = await ensureFirstUser(store.identity, data);

  let countApproval: ReturnType<typeof approvalMetrics> | undefined;
  const approvals = later(
    await ApprovalDesk.create({
      store: store.approvals,
      resumable: new Set((await store.accessRequests.requests()).map(({ id }) => id)),
      journal: async (event) => {
        const { type, approval } = event;
        const { connection, sessionId, requester } = approval;
        const facts = JSON.parse(JSON.stringify(approval)) as { [key: string]: Json };
        await journal.appendDurable(newEvent(type, { connection, sessionId, principal: requester, data: facts }));
        countApproval?.(event);
      },
      onError: (error) => log('an approval could not be written down', { error }),
    }),
    (desk) => desk.close(),
  );
  const timed = await openTimedAccess({
    access,
    identity,
    desk: approvals,
    journal,
    store,
    onError: (error) => log('access for a time could not be written down', { error }),
  });
  later(timed.grants, (one) => one.close());
  later(timed.requests, (one) => one.close());
  const agents = later(
    new AgentHub({
      authority,
      store: store.agents,
      onEvent: ({ type, agent, reason }) => {
        log(type === 'agent.up' ? 'agent connected' : 'agent lost', { agent, reason });
        journal.append(newEvent(type, { data: { agent, reason: reason ?? null } }));
      },
      onLease: ({ type, agent, lease, message }) => {
        if (type === 'lease.failed') log('a lease is in trouble', { agent, lease: lease.id, why: message });
        const { id, source, username, connection, session, expiresAt = null } = lease;
        const data = { lease: id, source, username, agent, expiresAt, ...(message === '' ? {} : { message }) };
        journal.append(newEvent(type, { connection, sessionId: session, data }));
      },
    }),
    (hub) => hub.stop(),
  );
  const sql = later(new SqlReader(sqlOptions()), (reader) => reader.stop());
  await sql.start();
  const recordings = new Recordings(join(data, 'recordings'));
  const activity = new Activity();
  const stages = new Stages();
  const { web, beginLink } = signInOf({
    publicUrl,
    store: grants,
    identity,
    federation,
    workloads: () => resources.workloads,
    services: (name) => resources.service(name),
    journal: admin,
    sshUserAuthority: sshAuthority.line,
    log,
  });
  const sessions: Sessions = new Sessions({
    beginLink,
    activity,
    stages,
    identity,
    access,
    agents,
    approvals,
    ...timed,
    journal,
    recordings,
    store: store.sessions,
    approvalUrl: (id) => `${publicUrl}/approvals/${id}`,
    log,
  });
  identity.tokens.onRevoked((id) => {
    sessions.endWhere(({ tokenId }) => tokenId === id, 'the token that this session was opened with was revoked');
    // Of people whom only their sign-ins vouch for: a session by a registered key may have stood on this one.
    const owner = store.identity.token(id).then((token) => token?.principal.id);
    owner
      .then((known) => sessions.reviewPeople((principal) => principal.id === known))
      .catch((error) => log('sessions were not looked at again', { error }));
  });
  identity.keys?.onRemoved((id) => {
    sessions.endWhere(({ tokenId }) => tokenId === id, 'the key that this session was opened with was removed');
  });
  endWithSecrets(identity, (id) => {
    sessions.endWhere(({ tokenId }) => tokenId === id, 'the secret that this session was opened with was revoked');
  });
  const publisher = publish(config, journal, log, later);
  const sweeping = setInterval(
    () =>
      Promise.all([
        identity.tokens.sweep(),
        grants.sweep(Date.now()),
        warnOfSecrets({ identity, journal: admin }),
      ]).catch((error) => log('tokens could not be swept', { error })),
    HOUR_MS,
  );
  later(sweeping.unref(), clearInterval);

  const metrics = metricsOf({
    version,
    data,
    activity,
    stages,
    sessions,
    agents,
    journal,
    notifications,
    publisher: () => publisher,
  });
  countApproval = approvalMetrics(metrics, () => approvals.waiting);
  let stopping = false;
  later(undefined, () => {
    stopping = true;
  });

  const tunnelPort = listen.tunnel && (await agents.start(spoken(listen.tunnel)));
  const hostKeys = openHostKeys(secrets.files, data);
  const sshPort =
    listen.ssh &&
    (await serve(
      sshProtocol({ hostKeys: hostKeys.map((key) => key.privateKey), authority: sshAuthority.publicKey }),
      listen.ssh,
    ));
  const postgresPort =
    listen.postgres &&
    (await serve(
      postgresProtocol(
        createSecureContext(certificate),
        sql,
        new URL('/.well-known/openid-configuration', publicUrl).href,
      ),
      listen.postgres,
    ));
  const httpPort = listen.kubernetes && (await serveHttp(listen.kubernetes));
  const host =
    config.publicUrl === undefined ? (listen.postgres?.host ?? '127.0.0.1') : new URL(config.publicUrl).hostname;
  const api: ApiPorts = {
    identity: identityPort({ identity, serviceGroups: (name) => resources.serviceGroups(name), journal: admin }),
    keys: keysPort({
      identity,
      authority: sshAuthority,
      maxTtlMs: config.tokens.certificateTtl,
      server: () =>
        sshPort === undefined
          ? undefined
          : { host, port: sshPort, knownHosts: knownHosts(hostKeys, host, sshPort).trimEnd().split('\n') },
      journal: admin,
    }),
    serviceAccounts: serviceAccountsPort({
      identity,
      exists: (name) => resources.service(name) !== undefined,
      journal: admin,
    }),
    resources,
    agents: agentsPort({ hub: agents, store: store.agents, journal: admin, tunnelHost: host, tunnelPort }),
    leases: agents.leases,
    notifiers: notifiersPort(notifications),
    policy: policyPort({ resources, access, identity, journal, read: readText(sql) }),
    activity,
    approvals: approvalsPort(approvals),
    access: accessPort(timed, approvals, access),
    sessions: sessionsPort({ living: sessions, store: store.sessions, recordings, journal: admin }),
    audit: auditPort(journal),
    connections: connectionsPort({
      access,
      agents,
      ...timed,
      host,
      ports: { postgres: postgresPort, ssh: sshPort, http: httpPort, kubernetes: httpPort },
    }),
    directories: directoriesPort({ directory, journal: admin, publicUrl }),
    health: healthPort({ journal, store, publisher: () => publisher, isStopping: () => stopping }),
  };
  const webPort = listen.web && (await serveApi(listen.web));
  const metricsPort = listen.metrics && (await serveMetrics(listen.metrics));
  if (config.resources !== undefined) {
    const files = later(new ResourceFiles(config.resources), (one) => one.stop());
    await files.start(
      (documents) => resources.applyFiles(documents),
      (error) => log('resources were not applied', { error: error.message }),
    );
  }
  return {
    ports: {
      web: webPort,
      tunnel: tunnelPort,
      postgres: postgresPort,
      ssh: sshPort,
      kubernetes: httpPort,
      metrics: metricsPort,
    },
    passwordFile: first?.passwordFile,
  };

  async function serve(protocol: Protocol, address: ListenAddress): Promise<number> {
    const listener = later(new TcpListener(protocol, sessions), async (one) => {
      one.stop();
      await sessions.stop('the gateway is shutting down');
      one.destroy();
    });
    return listener.start(address);
  }

  async function serveHttp(address: ListenAddress): Promise<number> {
    const front = httpFront({ access, sessions, publicUrl, log });
    const listener = later(new HttpListener(front, certificate), async (one) => {
      one.stop();
      front.stop();
      await sessions.stop('the gateway is shutting down');
      one.destroy();
    });
    return listener.start(address);
  }

  async function serveMetrics(address: ListenAddress): Promise<number> {
    const parts = { health: api.health, metrics, log };
    const handler: RequestListener = (request, response) => void observe(request, response, parts, async () => true);
    const listener = later(new WebListener(handler, undefined, serverLimits), (one) => one.stop());
    return listener.start(address);
  }

  async function serveApi(address: ListenAddress): Promise<number> {
    const stopping = new AbortController();
    const handler = createApiServer(api, {
      publicUrl,
      log,
      signal: stopping.signal,
      hosts: [address.host],
      console: Console.load(consoleFolder),
      directory,
      web,
      metrics,
      authority: config.tls === undefined ? authority.caCertificate : undefined,
      knownHosts: () => knownHosts(hostKeys, host, sshPort ?? 22),
      hooks: hooksPort({ notifications, approvals, identity, log }),
    });
    // In the clear only where nobody else can listen.
    const open = config.tls === undefined && isLoopback(address.host);
    const listener = later(new WebListener(handler, open ? undefined : certificate, serverLimits), (one) => {
      stopping.abort();
      one.stop();
    });
    return listener.start(address);
  }
}

/** Names and addresses that the self-made certificate is good for. */
function namesOf({ publicUrl, listen }: Config): string[] {
  const hosts = [listen.web, listen.tunnel, listen.postgres, listen.kubernetes].map((address) => address?.host);
  const all = [...hosts, publicUrl === undefined ? undefined : new URL(publicUrl).hostname];
  return [
    ...new Set(all.filter((host) => host !== undefined && !['0.0.0.0', '::', 'localhost', '127.0.0.1'].includes(host))),
  ] as string[];
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

const spoken = ({ host, port }: ListenAddress): string => `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;

function defaultUrl(web: ListenAddress | undefined): string {
  if (web === undefined) return 'http://127.0.0.1:8080';
  const host = ['0.0.0.0', '::'].includes(web.host) ? 'localhost' : web.host;
  return `${isLoopback(web.host) ? 'http' : 'https'}://${spoken({ host, port: web.port })}`;
}

/** Beside the sources and beside the bundle: the same place. */
const consoleFolder = fileURLToPath(new URL('../console/dist', import.meta.url));

/** The bundle has the worker beside it, the sources beside the reader. */
function sqlOptions(): { workerUrl?: URL } {
  const bundled = new URL('./reader-worker.mjs', import.meta.url);
  return existsSync(bundled) ? { workerUrl: bundled } : {};
}

function publish({ nats }: Config, journal: Journal, log: Log, later: Later): Publisher | undefined {
  if (nats === undefined) return undefined;
  let state = '';
  const credentials = natsCredentials(nats);
  const publisher = Publisher.create({
    journal,
    url: [nats.url].flat().join(','),
    ...(credentials === undefined ? {} : { credentials }),
    ...(nats.tls === undefined ? {} : { tls: JSON.parse(JSON.stringify(nats.tls)) }),
    streams: { replicas: nats.replicas },
    onState: (status) => {
      if (status.state !== state) log(`NATS is ${status.state}`, { lag: status.lag, lastError: status.lastError });
      state = status.state;
    },
  });
  publisher.start();
  return later(publisher, (one) => one.stop());
}
