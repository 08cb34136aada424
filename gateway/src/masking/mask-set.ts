import { createSecretKey, type KeyObject } from 'node:crypto';
import { type ColumnPattern, readColumnPattern } from '@sallyport/shared/access/column-pattern.ts';
import type { Principal } from '@sallyport/shared/access/principal.ts';
import { concerns, covers, type Place } from '@sallyport/shared/access/scope.ts';
import type { Treatment } from '../protocols/protocol.ts';
import { detectorsNamed } from './detectors/catalogue.ts';
import type { Detector } from './detectors/detector.ts';
import { patternDetector } from './detectors/pattern.ts';
import { checkSpec, type MaskSpec, type NamedMask } from './spec.ts';
import { MaskVeil } from './veil.ts';

/** A mask that was checked and made ready. */
export interface CompiledMask {
  readonly name: string;
  readonly spec: MaskSpec;
  readonly treatment: Treatment;
  readonly columns: readonly ColumnPattern[];
  readonly detectors: readonly Detector[];
}

/** HMAC-SHA-256 wants a key of at least its own strength. Bytes. */
const MIN_HASH_KEY_BYTES = 16;

/**
 * Reads masks. `hashKey` keys what `as: hash` shows: equal values look equal as long as it stays the same.
 * @throws Error for the first mask that is wrong, with its name and what may have been meant
 */
export function compileMasks(masks: readonly NamedMask[], options: { readonly hashKey: Uint8Array }): MaskSet {
  if (options.hashKey.length < MIN_HASH_KEY_BYTES) throw new Error(`a hash key needs ${MIN_HASH_KEY_BYTES} bytes`);
  return new MaskSet(masks.map(compileMask), createSecretKey(options.hashKey));
}

function compileMask({ name, spec }: NamedMask): CompiledMask {
  try {
    checkSpec(spec);
    return {
      name,
      spec,
      treatment: { mask: name, as: spec.as ?? 'redact' },
      columns: (spec.columns ?? []).map(readColumnPattern),
      detectors: [
        ...new Set((spec.detect ?? []).flatMap(detectorsNamed)),
        ...(spec.patterns ?? []).map(patternDetector),
      ],
    };
  } catch (error) {
    throw new Error(`mask ${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** All masks of a gateway. Pure. */
export class MaskSet {
  readonly #masks: readonly CompiledMask[];
  readonly #hashKey: KeyObject;

  constructor(masks: readonly CompiledMask[], hashKey: KeyObject) {
    this.#masks = masks;
    this.#hashKey = hashKey;
  }

  /** What this person may see there; undefined where no mask concerns them, so that nothing need be decoded. */
  veil(principal: Principal, place: Place): MaskVeil | undefined {
    const masks = this.#concerning(principal, place);
    return masks.length === 0 ? undefined : new MaskVeil(masks, this.#hashKey);
  }

  /** Patterns of all columns that are protected from this person there. */
  columns(principal: Principal, place: Place): string[] {
    return [...new Set(this.#concerning(principal, place).flatMap(({ spec }) => spec.columns ?? []))];
  }

  /** The masks that make the veil, as one text: as long as it stays the same, so does what the person may see. */
  terms(principal: Principal, place: Place): string {
    return JSON.stringify(this.#concerning(principal, place).map(({ name, spec }) => [name, spec]));
  }

  #concerning(principal: Principal, place: Place): CompiledMask[] {
    return this.#masks.filter(({ spec }) => applies(spec, principal, place));
  }
}

function applies({ connections, who, except }: MaskSpec, principal: Principal, place: Place): boolean {
  if (!covers(connections, place)) return false;
  if (who !== undefined && !concerns(who, principal, 'any')) return false;
  if (except === undefined) return true;
  // An exception is a right: programs that act on somebody's behalf have it only where it names them.
  const mayBeMeant = principal.actor === undefined || except.actors !== undefined;
  return !(mayBeMeant && concerns(except, principal));
}
