import type { SourcedLogin } from './login.ts';

/** Finds secrets of one kind: `name` is what stands behind the prefix. Rejects with a reason that holds no secret. */
export interface SecretSource {
  secret(name: string, signal: AbortSignal): Promise<string>;
  /** Where the source can issue or hold usernames too. */
  login?(name: string, signal: AbortSignal): Promise<SourcedLogin>;
  /** What of the name may be shown to people; all of it where absent. */
  shown?(name: string): string;
  /** Gives up what the source holds elsewhere, such as its own login. Never rejects. */
  close?(): Promise<void>;
}

/** Sources by prefix, loaded at their first use so that a heavy client costs nothing where it is not asked for. */
export type SecretSources = Readonly<Record<string, () => Promise<SecretSource>>>;

/** Why a source has no secret, in words for the person who wrote the reference. */
export class SecretMissing extends Error {}

export type Environment = Readonly<Record<string, string | undefined>>;
