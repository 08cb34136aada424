import type { Connection } from '@sallyport/shared/access/connection.ts';
import type { MaskSet } from '../masking/mask-set.ts';
import type { PolicySet } from '../policy/policy-set.ts';

/** What may be reached and by whom, as of one revision of the resources. Replaced as a whole. */
export interface Access {
  readonly revision: number;
  readonly connections: ReadonlyMap<string, Connection>;
  readonly policy: PolicySet;
  readonly masks: MaskSet;
}

/** Holds the access in force and tells who must look again. */
export class CurrentAccess {
  #access: Access;
  readonly #listeners = new Set<(access: Access) => void>();

  constructor(access: Access) {
    this.#access = access;
  }

  get now(): Access {
    return this.#access;
  }

  replace(access: Access): void {
    this.#access = access;
    for (const listener of this.#listeners) listener(access);
  }

  onChange(listener: (access: Access) => void): void {
    this.#listeners.add(listener);
  }
}
