import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { type Certificate, isSignedByAuthority } from '@sallyport/shared/wire/ssh/certificate.ts';
import { refusal } from '../denial.ts';
import type { UserAuthority } from './authority.ts';
import { isFrom } from './source-address.ts';

const renew = 'Get a new one with "sallyport ssh cert" or "sallyport login".';

export interface CheckedAgainst {
  readonly authority: UserAuthority;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** IP address of the client. */
  readonly address: string;
}

/** Why a certificate proves nothing here, whoever has its key; undefined where it may. @throws WireError */
export function wrongCertificate(certificate: Certificate, against: CheckedAgainst): Denial | undefined {
  const { authority, now, address } = against;
  if (!authority.isThis(certificate.authority)) {
    return refusal("the certificate is of another authority than this gateway's", renew);
  }
  if (!isSignedByAuthority(certificate)) return refusal("the certificate's signature is wrong", renew);
  if (certificate.role !== 'user') return refusal('the certificate is for a host: it signs nobody in', renew);
  return wrongTime(certificate, now) ?? wrongPrincipals(certificate) ?? wrongOptions(certificate, address);
}

function wrongTime({ validAfter, validBefore }: Certificate, now: number): Denial | undefined {
  const second = BigInt(Math.floor(now / 1000));
  if (second < validAfter)
    return refusal('the certificate does not hold yet: is the clock of its machine right?', renew);
  // Only a certificate of our own comes this far: its end is one that Date can write.
  if (second >= validBefore) return refusal(`the certificate expired at ${timeOf(validBefore)}`, renew);
  return undefined;
}

const timeOf = (seconds: bigint): string => new Date(Number(seconds) * 1000).toISOString();

function wrongPrincipals({ principals }: Certificate): Denial | undefined {
  // OpenSSH takes an empty list for anybody in some places; and some readers take a comma for two names.
  if (principals.length === 0) return refusal('the certificate names nobody', renew);
  return principals.some((name) => name.includes(','))
    ? refusal('the certificate names somebody with a comma in the name', renew)
    : undefined;
}

/** What is critical must be understood, or the certificate is not to be used. */
function wrongOptions({ criticalOptions }: Certificate, address: string): Denial | undefined {
  for (const [name, value] of criticalOptions) {
    if (name !== 'source-address') {
      return refusal(`the certificate asks for "${name.slice(0, 64)}", which is not kept here`, renew);
    }
    if (!isFrom(value, address)) return refusal(`the certificate may not be used from ${address}`, renew);
  }
  return undefined;
}
