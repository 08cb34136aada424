import type { KeyObject } from 'node:crypto';
import type { FieldVeil, StreamOptions, Treatment, ValuePath, Veil } from '../protocols/protocol.ts';
import { Inspector, type Probe } from './inspector.ts';
import type { CompiledMask } from './mask-set.ts';
import { StreamInspector } from './stream.ts';
import { replaceText, stricter } from './treatment.ts';

/** Paths whose answer is kept. Entries. */
const MAX_REMEMBERED = 4096;

/** What the masks that concern one session let it see. */
export class MaskVeil implements Veil {
  /** Redact, or null where a mask says so: parts and hashes of computed values would tell the value piece by piece. */
  readonly unknown: Treatment;
  readonly inspects: boolean;
  /** Whether any column at all may be protected; without it only detectors look. */
  readonly protects: boolean;
  readonly #masks: readonly CompiledMask[];
  readonly #fieldMasks: readonly CompiledMask[];
  readonly #inspector: Inspector;
  readonly #hashKey: KeyObject;
  readonly #treatments = new Map<string, Treatment | undefined>();
  readonly #tables = new Map<string, boolean>();

  constructor(masks: readonly CompiledMask[], hashKey: KeyObject) {
    this.#masks = masks.filter(({ columns }) => columns.length > 0);
    this.#fieldMasks = masks.filter(({ fields }) => fields.length > 0);
    this.#hashKey = hashKey;
    this.#inspector = new Inspector(probesOf(masks), hashKey);
    this.inspects = !this.#inspector.isIdle;
    this.protects = this.#masks.length > 0;
    this.unknown = strictestUnknown(this.protects ? this.#masks : masks);
  }

  treatment(path: ValuePath): Treatment | undefined {
    const [schema, table, column] = path;
    // A path that is not schema, table, column names nothing that a mask could be held against.
    if (schema === undefined || table === undefined || column === undefined || path.length !== 3) return this.unknown;
    return remembered(this.#treatments, JSON.stringify(path), () => this.#strictest(schema, table, column));
  }

  mayProtect([schema, table]: readonly [schema: string, table: string]): boolean {
    return remembered(this.#tables, JSON.stringify([schema, table]), () =>
      this.#masks.some(({ columns }) => columns.some((pattern) => pattern.matchesTable(schema, table))),
    );
  }

  fields(requestPath: string): FieldVeil | undefined {
    const named = this.#fieldMasks.flatMap(({ fields, treatment }) =>
      fields
        .filter(({ matchesPath }) => matchesPath(requestPath))
        .map(({ matchesField }) => ({ matchesField, treatment })),
    );
    if (named.length === 0) return undefined;
    return (field) =>
      named
        .filter(({ matchesField }) => matchesField(field))
        .map(({ treatment }) => treatment)
        .reduce<Treatment | undefined>((one, other) => (one === undefined ? other : stricter(one, other)), undefined);
  }

  replace(value: Buffer, treatment: Treatment): Buffer | undefined {
    return replaceText(value, treatment, this.#hashKey);
  }

  inspect(text: Buffer): Buffer {
    return this.#inspector.inspect(text);
  }

  /** False where `inspect` would find nothing in `bytes[start, end)`: a look that allocates nothing. */
  suspects(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#inspector.suspects(bytes, start, end);
  }

  /** For what is no table: terminals, commands' output, bodies. One stream each way that is looked at. */
  stream(options: StreamOptions): StreamInspector {
    return new StreamInspector(this.#inspector, options);
  }

  #strictest(schema: string, table: string, column: string): Treatment | undefined {
    let result: Treatment | undefined;
    for (const { columns, treatment } of this.#masks) {
      const isMatch = columns.some((each) => each.matchesTable(schema, table) && each.matchesColumn(column));
      if (isMatch) result = result === undefined ? treatment : stricter(result, treatment);
    }
    return result;
  }
}

function strictestUnknown(masks: readonly CompiledMask[]): Treatment {
  const strictest = masks.map(({ treatment }) => treatment).reduce(stricter);
  return strictest.as === 'null' ? strictest : { mask: strictest.mask, as: 'redact', coversNull: true };
}

/** Each detector once, under the strictest treatment that asks for it. */
function probesOf(masks: readonly CompiledMask[]): Probe[] {
  const probes = new Map<object, Probe>();
  for (const { detectors, treatment } of masks) {
    for (const detector of detectors) {
      const known = probes.get(detector);
      const strictest = known === undefined ? treatment : stricter(known.treatment, treatment);
      probes.set(detector, { detector, treatment: strictest });
    }
  }
  return [...probes.values()];
}

function remembered<T>(memory: Map<string, T>, key: string, compute: () => T): T {
  if (memory.has(key)) return memory.get(key) as T;
  if (memory.size >= MAX_REMEMBERED) memory.clear();
  const value = compute();
  memory.set(key, value);
  return value;
}
