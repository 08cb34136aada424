import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { create } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { EnrolRequestSchema, type EnrolResponse } from '@sallyport/proto/tunnel/v1/tunnel_pb';
import { fingerprintOf, parseJoinToken } from '@sallyport/shared/tunnel/identity.ts';
import { defaultKeepalive, tunnelServerName } from '@sallyport/shared/tunnel/service.ts';
import { type GatewayAddress, spoken } from './address.ts';
import { tunnelClient } from './client.ts';
import { type Identity, newKey, publicKeyOf } from './identity.ts';

export interface EnrolOrder {
  readonly gateway: GatewayAddress;
  readonly joinToken: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly version: string;
  /** How long the gateway may take to answer; 15 s when absent. Milliseconds. */
  readonly answerMs?: number;
}

const DIAL_MS = 10_000;
/** From the question to the gateway's answer. */
const ANSWER_MS = 15_000;

/**
 * Turns a join token into a lasting identity. The gateway's CA is believed by the fingerprint in the token, before the
 * token's secret is sent anywhere.
 * @throws Error in words for the person who enrols it
 */
export async function enrol({
  gateway,
  joinToken,
  labels,
  version,
  answerMs = ANSWER_MS,
}: EnrolOrder): Promise<Identity> {
  const token = parseJoinToken(joinToken);
  if (token === undefined) {
    throw new Error('this is no join token; an administrator makes one with: sallyport agents join-token NAME');
  }
  const ca = await pinnedAuthority(gateway, token.fingerprint);
  const key = newKey();
  const client = tunnelClient(gateway, ca, defaultKeepalive);
  try {
    const request = create(EnrolRequestSchema, { secret: token.secret, publicKey: publicKeyOf(key), labels, version });
    const { name } = await new Promise<EnrolResponse>((resolve, reject) => {
      const deadline = Date.now() + answerMs;
      client.enrol(request, { deadline }, (error, response) =>
        response === undefined ? reject(error) : resolve(response),
      );
    });
    return { name, key, ca };
  } catch (error) {
    const { code, details: said = String(error) } = error as { code?: number; details?: string };
    const details = code === status.DEADLINE_EXCEEDED ? `it gave no answer within ${answerMs / 1000} s` : said;
    throw new Error(`the gateway at ${spoken(gateway)} did not enrol this agent: ${details}`, { cause: error });
  } finally {
    client.close();
  }
}

/** The certificate with that fingerprint in the chain which the gateway shows. */
async function pinnedAuthority(gateway: GatewayAddress, fingerprint: string): Promise<string> {
  const socket = connect({
    ...gateway,
    servername: tunnelServerName,
    ALPNProtocols: ['h2'],
    // The fingerprint is what is checked, and the real connection trusts nothing but what it names.
    rejectUnauthorized: false,
  });
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(DIAL_MS) });
    for (const certificate of chainOf(socket)) {
      if (fingerprintOf(certificate.raw) === fingerprint) return certificate.toString();
    }
  } catch (error) {
    const why = (error as Error).name === 'AbortError' ? 'it does not answer' : (error as Error).message;
    throw new Error(`the gateway at ${spoken(gateway)} cannot be reached: ${why}`, { cause: error });
  } finally {
    socket.destroy();
  }
  throw new Error(
    `${spoken(gateway)} is not the gateway that the join token is from: it shows another authority. Check the address, and who is in between.`,
  );
}

function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  for (let at = socket.getPeerX509Certificate(); at !== undefined && chain.length < 8; at = at.issuerCertificate) {
    chain.push(at);
    if (at.issuerCertificate?.fingerprint256 === at.fingerprint256) break;
  }
  // Where Node finds no issuers by itself, the detailed certificate has the chain as it was sent.
  const sent = socket.getPeerCertificate(true);
  for (let at = sent; at?.raw !== undefined && chain.length < 16; at = at.issuerCertificate) {
    chain.push(new X509Certificate(at.raw));
    if (at.issuerCertificate === at) break;
  }
  return chain;
}
