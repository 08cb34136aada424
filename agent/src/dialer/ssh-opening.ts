import type {
  SshCredential as CredentialMessage,
  SshHop as HopMessage,
  SshTarget as TargetMessage,
} from '@sallyport/proto/tunnel/v1/ssh_pb';
import type { SshCredential, SshHop, SshTarget } from '@sallyport/shared/access/ssh.ts';

/** What is there, of what a message may lack. */
const given = <K extends string>(
  fields: { readonly [Key in K]?: string | undefined },
): { readonly [Key in K]?: string } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    readonly [Key in K]?: string;
  };

export const sshTargetOf = ({ hostKeys, knownHosts, jump }: TargetMessage): SshTarget => ({
  hostKeys,
  ...given({ knownHosts }),
  jump: jump.map(hopOf),
});

const hopOf = ({ host, port, hostKeys, knownHosts, credential }: HopMessage): SshHop => ({
  host,
  port,
  hostKeys,
  ...given({ knownHosts }),
  ...(credential === undefined
    ? {}
    : {
        credential: {
          username: credential.username,
          ...given({ password: credential.password }),
          ...secretsOf(credential),
        },
      }),
});

export const sshCredentialOf = (message: CredentialMessage): SshCredential => secretsOf(message);

const secretsOf = ({
  privateKey,
  passphrase,
  certificateAuthority,
}: Pick<CredentialMessage, 'privateKey' | 'passphrase' | 'certificateAuthority'>): SshCredential =>
  given({ privateKey, passphrase, certificateAuthority });
