/** Why a directory's change cannot be made: somebody else's fault, told to the directory in its protocol's words. */
export type DirectoryProblemKind = 'missing' | 'taken' | 'stale' | 'full' | 'unknown-member';

export class DirectoryProblem extends Error {
  readonly kind: DirectoryProblemKind;

  constructor(kind: DirectoryProblemKind, message: string) {
    super(message);
    this.name = 'DirectoryProblem';
    this.kind = kind;
  }
}
