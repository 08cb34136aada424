/** What a connector logs in with. */
export interface Login {
  readonly username: string;
  /** Absent where the credential names none (trust). */
  readonly password: string | undefined;
  /** Present where the source made the login for this one use: the session has to release it when it ends. */
  readonly lease?: Lease;
}

/** A login's life at the source that issued it. It is renewed in the background until it is released or ends. */
export interface Lease {
  /** The source's own name for it; no secret. */
  readonly id: string;
  readonly source: string;
  /** Milliseconds since the epoch, both; `expiresAt` moves with each renewal. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Must not throw. Returns how to stop listening. */
  onRenewal(listener: (expiresAt: number) => void): () => void;
  /** Told once, ahead of `expiresAt` where that is possible, when no renewal will follow; told at once if that was so before. Must not throw. */
  onEnd(listener: (end: LeaseEnd) => void): () => void;
  /** Takes the login back, with a few tries. Resolves to whether it worked; what did not work is logged by its id. Never rejects. */
  release(): Promise<boolean>;
}

export interface LeaseEnd {
  /** Why it is not renewed, in words that hold no secret. */
  readonly reason: string;
  /** When the target stops to accept the login. Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** What a source issued, and the two things that can be done with it. */
export interface Issued {
  readonly id: string;
  readonly source: string;
  readonly expiresAt: number;
  readonly isRenewable: boolean;
  /** Resolves to the new end, in milliseconds since the epoch. @throws LeaseGone where no later try can succeed */
  renew(): Promise<number>;
  revoke(): Promise<void>;
}

/** What a source knows of a login; `username` is absent where it holds a password alone. */
export interface SourcedLogin {
  readonly username?: string;
  readonly password: string;
  readonly issued?: Issued;
}

/** The source knows the lease no more, or will never renew it. */
export class LeaseGone extends Error {}
