import { urns } from './attributes.ts';

/** @see RFC 7644, 3.12, table 9 */
export type ScimType =
  | 'invalidFilter'
  | 'tooMany'
  | 'uniqueness'
  | 'mutability'
  | 'invalidSyntax'
  | 'invalidPath'
  | 'noTarget'
  | 'invalidValue';

/** What is answered instead of a resource. */
export class ScimProblem extends Error {
  readonly status: number;
  readonly scimType: ScimType | undefined;

  constructor(status: number, detail: string, scimType?: ScimType) {
    super(detail);
    this.name = 'ScimProblem';
    this.status = status;
    this.scimType = scimType;
  }

  /** @see RFC 7644, 3.12 */
  get body(): object {
    const { status, scimType, message } = this;
    return {
      schemas: [urns.error],
      status: String(status),
      ...(scimType === undefined ? {} : { scimType }),
      detail: message,
    };
  }
}

export const bad = (scimType: ScimType, detail: string): ScimProblem => new ScimProblem(400, detail, scimType);

/** What somebody else wrote, cut so that a message stays one. */
export const quoted = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
