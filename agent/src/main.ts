import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { version } from '@sallyport/shared/version.ts';
import { Boundary } from './boundary/boundary.ts';
import { SecretFence } from './boundary/secret-fence.ts';
import { lazyConnector } from './connectors/lazy.ts';
import { postgresConnector } from './connectors/postgres/connector.ts';
import { Leases } from './credentials/leases.ts';
import { credentialResolver } from './credentials/resolver.ts';
import { parseAddress } from './dialer/address.ts';
import { Dialer } from './dialer/dialer.ts';
import { enrol } from './dialer/enrol.ts';
import { type Identity, loadIdentity, saveIdentity } from './dialer/identity.ts';

const usage = `usage: sallyport-agent --gateway HOST:PORT[,HOST:PORT…] [--data DIR] [--token-file FILE]
                       [--name NAME] [--label KEY=VALUE…] [--log text|json] [--drain SECONDS]

The first start needs a join token, from --token-file or the variable SALLYPORT_JOIN_TOKEN; later ones need none.
Secrets of targets are read from this process's environment and files, as the connections' credentials say and as far
as SALLYPORT_SECRETS, SALLYPORT_SECRET_ENV and SALLYPORT_SECRET_FILES allow. It connects to targets in private networks, or
to those of SALLYPORT_TARGETS (HOST:PORT,RANGE:PORT,…): docs/credentials.md.
`;

type Log = (text: string, facts?: Readonly<Record<string, unknown>>) => void;

const lines =
  (format: string | undefined): Log =>
  (text, facts = {}) => {
    const time = new Date().toISOString();
    const plain = Object.entries(facts).map(([key, value]) => ` ${key}=${String(value)}`);
    process.stderr.write(
      format === 'json' ? `${JSON.stringify({ time, msg: text, ...facts })}\n` : `${time} ${text}${plain.join('')}\n`,
    );
  };

const options = {
  gateway: { type: 'string', short: 'g' },
  data: { type: 'string', default: './agent-data' },
  'token-file': { type: 'string' },
  name: { type: 'string' },
  label: { type: 'string', multiple: true },
  log: { type: 'string', default: 'text' },
  drain: { type: 'string', default: '30' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** 64 is a wrong call (sysexits.h), 1 anything else. */
async function main(args: readonly string[]): Promise<number | undefined> {
  let log = lines('text');
  try {
    const { values } = parseArgs({ args: [...args], options, allowPositionals: false });
    if (values.help === true || values.gateway === undefined) {
      (values.help === true ? process.stdout : process.stderr).write(usage);
      return values.help === true ? 0 : 64;
    }
    log = lines(values.log);
    const gateways = values.gateway.split(',').map(parseAddress);
    const labels = labelsOf(values.label ?? []);
    const drainMs = secondsOf(values.drain) * 1000;
    const boundary = Boundary.of(process.env, {
      onRefused: (target, why) => log('a target was refused', { target, why }),
    });
    const [first] = gateways;
    if (first === undefined) throw new Error('--gateway names no gateway');
    const identity =
      loadIdentity(values.data) ?? (await join(first, values.data, tokenOf(values['token-file']), labels));
    if (values.name !== undefined && values.name !== identity.name) {
      throw new Error(
        `this agent enrolled as ${identity.name}, not ${values.name}; another one needs another --data folder`,
      );
    }
    const leases = new Leases();
    leases.onNotice(({ state, lease, message }) => {
      if (state === 'failed') log('lease', { id: lease.id, session: lease.session, why: message });
    });
    const fence = new SecretFence(process.env, { closed: [values.data] });
    const resolver = credentialResolver({}, (text) => log(text), process.env, fence);
    const connectors = [
      postgresConnector(resolver, { leases, boundary }),
      lazyConnector('ssh', async () =>
        (await import('./connectors/ssh/connector.ts')).sshConnector(resolver, { boundary }),
      ),
      lazyConnector('http', async () =>
        (await import('./connectors/http/connector.ts')).httpConnector(resolver, { boundary }),
      ),
    ];
    const common = { identity, labels, version, connectors, leases, log };
    const dialers = gateways.map((gateway) => new Dialer({ gateway, ...common }));
    const release = () => leases.close().then(() => resolver.close());
    stopOnSignals(dialers, release, drainMs, log);
    for (const dialer of dialers) dialer.start();
    return undefined;
  } catch (error) {
    log(error instanceof Error ? error.message : String(error));
    const isCall = String((error as { code?: string }).code).startsWith('ERR_PARSE_ARGS');
    if (isCall) process.stderr.write(usage);
    return isCall ? 64 : 1;
  }

  async function join(
    gateway: ReturnType<typeof parseAddress>,
    folder: string,
    joinToken: string,
    labels: Readonly<Record<string, string>>,
  ): Promise<Identity> {
    const identity = await enrol({ gateway, joinToken, labels, version });
    saveIdentity(folder, identity);
    log('enrolled', { name: identity.name });
    return identity;
  }
}

/** Never an argument: every user of the machine can read those. */
function tokenOf(file: string | undefined): string {
  const token = file === undefined ? process.env['SALLYPORT_JOIN_TOKEN'] : readFileSync(file, 'utf8').trim();
  // Nothing that this process starts shall inherit it.
  delete process.env['SALLYPORT_JOIN_TOKEN'];
  if (token !== undefined && token !== '') return token;
  throw new Error(
    'this agent has not enrolled yet: give it a join token in SALLYPORT_JOIN_TOKEN or --token-file; an administrator makes one with: sallyport agents join-token NAME',
  );
}

const MAX_DRAIN_S = 24 * 60 * 60;

function secondsOf(text: string): number {
  const seconds = /^\d{1,5}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds <= MAX_DRAIN_S) return seconds;
  throw new Error(`--drain ${text}: write seconds, 0 to ${MAX_DRAIN_S}`);
}

function labelsOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new Error(`--label ${pair}: write it KEY=VALUE`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

function stopOnSignals(dialers: readonly Dialer[], release: () => Promise<void>, drainMs: number, log: Log): void {
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1);
      stopping = true;
      log('draining', { signal });
      Promise.all(dialers.map((dialer) => dialer.stop(drainMs)))
        .then(release)
        .then(() => process.exit(0));
    });
  }
}

const status = await main(process.argv.slice(2));
if (status !== undefined) process.exitCode = status;
