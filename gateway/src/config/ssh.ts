import { z } from 'zod';

const word = z.string().min(1);
const fingerprint = z
  .string()
  .regex(/^SHA256:[A-Za-z0-9+/]{43}$/, 'is no fingerprint as "ssh-keygen -lf" writes it: SHA256:… with 43 characters');
const hostKeys = z
  .union([fingerprint, z.array(fingerprint).min(1)])
  .transform((given) => [given].flat())
  .optional();

/** A secret of SSH's that the agent finds, or the key itself. */
const login = {
  username: word,
  password: word.optional(),
  privateKey: word.optional(),
  passphrase: word.optional(),
  /** Signs a certificate for each session. */
  certificateAuthority: word.optional(),
};

const known = { hostKey: hostKeys, knownHosts: word.max(64 * 1024).optional() };
const place = { host: word, port: z.int().min(1).max(65_535).prefault(22) };

interface Secrets {
  readonly password?: string | undefined;
  readonly privateKey?: string | undefined;
  readonly certificateAuthority?: string | undefined;
}

const isOne = ({ password, privateKey, certificateAuthority }: Secrets): boolean =>
  [password, privateKey, certificateAuthority].filter((one) => one !== undefined).length === 1;
const oneSecret = {
  path: ['privateKey'],
  error: 'must be there, or a password, or a certificateAuthority: one of them',
};

const hop = z.strictObject({
  ...place,
  ...known,
  credential: z.strictObject(login).refine(isOne, oneSecret).optional(),
});

/** What is a connection's own where its protocol is ssh. */
export const sshTarget = z
  .strictObject({ ...place, ...known, jump: z.array(hop).max(5).prefault([]) })
  .refine(({ hostKey, knownHosts }) => hostKey !== undefined || knownHosts !== undefined, {
    path: ['hostKey'],
    error:
      'is missing: an agent never believes a host blindly. Ask the host for it: ssh-keyscan HOST | ssh-keygen -lf -',
  });

export const sshCredential = z.strictObject(login).refine(isOne, oneSecret);

type Hop = z.output<typeof hop>;
type Target = z.output<typeof sshTarget>;
type Credential = z.output<typeof sshCredential>;

const defined = <T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;

export function toSshTarget({ host, port, hostKey = [], knownHosts, jump }: Target) {
  const ssh = { hostKeys: hostKey, ...defined({ knownHosts }), jump: jump.map(toHop) };
  return { host, port, tls: 'disable' as const, ssh };
}

const toHop = ({ host, port, hostKey = [], knownHosts, credential }: Hop) => ({
  host,
  port,
  hostKeys: hostKey,
  ...defined({ knownHosts }),
  ...(credential === undefined ? {} : { credential: defined(credential) }),
});

export function toSshCredential({ username, password, ...secrets }: Credential) {
  return { username, ...defined({ password }), ssh: defined(secrets) };
}
