/** How an SSH server is known, and by which way it is reached. */
export interface SshTarget {
  /** `SHA256:` and base64 without padding, as ssh-keygen -l writes it: any of them is right. */
  readonly hostKeys: readonly string[];
  /** Lines of a known_hosts file; the host keys above count as well. */
  readonly knownHosts?: string;
  /** Hosts to go through, the nearest to the agent first. */
  readonly jump: readonly SshHop[];
}

export interface SshHop {
  readonly host: string;
  readonly port: number;
  readonly hostKeys: readonly string[];
  readonly knownHosts?: string;
  /** Absent: as at the target. */
  readonly credential?: SshLogin;
}

/** How the agent proves itself to an SSH server; each secret is a reference that the agent resolves. */
export interface SshCredential {
  /** A private key, PEM or OpenSSH's form. */
  readonly privateKey?: string;
  readonly passphrase?: string;
  /** The private key of an authority that the target trusts: it signs a certificate for each session. */
  readonly certificateAuthority?: string;
}

export interface SshLogin extends SshCredential {
  readonly username: string;
  readonly password?: string;
}
