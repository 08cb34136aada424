import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { exits, Failure } from '../failures.ts';
import { ask } from '../terminal/prompt.ts';

const PATIENCE_MS = 10_000;

export interface Trust {
  /** PEM of what was given with --ca. */
  readonly ca: string | undefined;
  /** SHA-256, hex, colons or not; of the gateway's certificate or of its authority's. */
  readonly fingerprint: string | undefined;
}

/** What to trust of an https gateway: nothing to pin (undefined) where the system trusts it or --ca does; else a PEM. */
export async function establishTrust(url: string, { ca, fingerprint }: Trust): Promise<string | undefined> {
  if (!url.startsWith('https:')) return undefined;
  const { authorized, chain } = await look(url, ca);
  if (fingerprint === undefined && (authorized || ca !== undefined)) return ca;
  const pinned =
    fingerprint === undefined ? chain.at(-1) : chain.find((each) => same(each.fingerprint256, fingerprint));
  if (pinned === undefined) {
    const found = chain.map((each) => each.fingerprint256).join(', ');
    throw new Failure(`${url} shows no certificate with that fingerprint, but ${found}`, {
      exitCode: exits.unavailable,
    });
  }
  if (fingerprint === undefined) await confirm(url, pinned);
  return pinned.toString();
}

async function confirm(url: string, certificate: X509Certificate): Promise<void> {
  process.stderr.write(
    `${url} is not known to this machine. Its certificate's SHA-256 fingerprint is\n  ${certificate.fingerprint256}\n`,
  );
  const refused = `the certificate of ${url} is not known; give --ca FILE or --fingerprint ${certificate.fingerprint256}`;
  const answer = await ask('Is that what the gateway printed when it started? Type yes to trust it: ', refused);
  if (answer.trim().toLowerCase() !== 'yes') throw new Failure('not trusted', { exitCode: exits.unavailable });
}

/** Only looks at the certificates; sends nothing. */
function look(url: string, ca: string | undefined): Promise<{ authorized: boolean; chain: X509Certificate[] }> {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const trust = ca === undefined ? {} : { ca };
  return new Promise((resolve, reject) => {
    const name = isIP(host) === 0 ? { servername: host } : {};
    const socket: TLSSocket = connect({
      host,
      port: Number(port || 443),
      rejectUnauthorized: false,
      timeout: PATIENCE_MS,
      ...name,
      ...trust,
    });
    const fail = (error: Error): void => {
      socket.destroy();
      const hint = 'Is the gateway running, and is this its web address?';
      reject(new Failure(`${url} cannot be reached: ${error.message}`, { hint, exitCode: exits.unavailable }));
    };
    socket.once('error', fail).once('timeout', () => fail(new Error('no answer')));
    socket.once('secureConnect', () => {
      const chain = chainOf(socket.getPeerCertificate(true));
      const { authorized } = socket;
      socket.destroy();
      resolve({ authorized, chain });
    });
  });
}

function chainOf(leaf: DetailedPeerCertificate): X509Certificate[] {
  const chain: X509Certificate[] = [];
  for (let at: DetailedPeerCertificate | undefined = leaf; at !== undefined && chain.length < 10; ) {
    chain.push(new X509Certificate(at.raw));
    at = at.issuerCertificate === at ? undefined : at.issuerCertificate;
  }
  return chain;
}

const bare = (fingerprint: string): string =>
  fingerprint
    .replace(/^sha256:/i, '')
    .replaceAll(':', '')
    .toLowerCase();

const same = (a: string, b: string): boolean => bare(a) === bare(b);
