import type { Document } from './document.ts';
import type { Source } from './listing.ts';
import type { View } from './query.ts';
import type { ResourceType } from './resource-type.ts';

type Expectation = (version: number) => boolean;

/** What can be done with one kind of resource of one directory. Changes throw ScimProblem and DirectoryProblem. */
export interface Endpoint<T extends { readonly id: string; readonly version: number }> {
  readonly type: ResourceType;
  readonly shown: (one: T, view: View) => Promise<Document>;
  readonly find: (id: string) => Promise<T | undefined>;
  readonly source: (view: View) => Source<T>;
  readonly create: (body: unknown) => Promise<T>;
  readonly replace: (id: string, body: unknown, isExpected: Expectation) => Promise<T>;
  readonly patch: (id: string, body: unknown, isExpected: Expectation) => Promise<T>;
  readonly remove: (id: string, isExpected: Expectation) => Promise<void>;
}
