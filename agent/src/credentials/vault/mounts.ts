import { SecretMissing } from '../source.ts';
import { memberObject, type VaultSession } from './session.ts';

export type Engine = 'kv1' | 'kv2' | 'issuing';

export interface Mount {
  readonly engine: Engine;
  /** Without slashes at its ends. */
  readonly mount: string;
  readonly path: string;
}

const LARGEST_COUNT = 256;
const hinted = /^(kv1|kv2|db):(.*)$/s;

/**
 * Which secrets engine a path belongs to. Vault is asked once for each mount; a reference that starts with `kv1:`, `kv2:`
 * or `db:` says it itself, with `//` behind the mount where that has more than one segment.
 */
export class Mounts {
  readonly #session: VaultSession;
  readonly #known = new Map<string, Engine>();

  constructor(session: VaultSession) {
    this.#session = session;
  }

  async find(place: string): Promise<Mount> {
    const hint = hinted.exec(place);
    if (hint !== null) return hintedMount(hint[1] as 'kv1' | 'kv2' | 'db', hint[2] ?? '');
    const known = [...this.#known].find(([mount]) => place.startsWith(`${mount}/`));
    if (known !== undefined) return { mount: known[0], engine: known[1], path: place.slice(known[0].length + 1) };
    return await this.#ask(place);
  }

  /** What is known of a mount may be out of date: it is asked for again next time. */
  forget(mount: string): void {
    this.#known.delete(mount);
  }

  async #ask(place: string): Promise<Mount> {
    const escaped = place.split('/').map(encodeURIComponent).join('/');
    const answer = await this.#session.call({ method: 'GET', path: `sys/internal/ui/mounts/${escaped}` });
    if (answer.status !== 200) throw unknown(place, answer.status);
    const data = memberObject(answer.body, 'data');
    const mount = typeof data['path'] === 'string' ? data['path'].replace(/^\/|\/$/g, '') : '';
    if (mount === '' || !place.startsWith(`${mount}/`)) {
      throw new SecretMissing('the reference names a mount and nothing in it; write it vault:MOUNT/PATH#FIELD');
    }
    const engine = engineOf(data);
    if (this.#known.size >= LARGEST_COUNT) this.#known.clear();
    this.#known.set(mount, engine);
    return { mount, engine, path: place.slice(mount.length + 1) };
  }
}

function engineOf(data: Readonly<Record<string, unknown>>): Engine {
  if (data['type'] !== 'kv' && data['type'] !== 'generic') return 'issuing';
  return memberObject(data, 'options')['version'] === '2' ? 'kv2' : 'kv1';
}

function hintedMount(hint: 'kv1' | 'kv2' | 'db', place: string): Mount {
  const double = place.indexOf('//');
  const at = double < 0 ? place.indexOf('/') : double;
  const mount = place.slice(0, Math.max(at, 0));
  const path = place.slice(at + (double < 0 ? 1 : 2));
  if (mount === '' || path === '') throw new SecretMissing(`behind ${hint}: stands MOUNT/PATH, or MOUNT//PATH`);
  return { mount, path, engine: hint === 'db' ? 'issuing' : hint };
}

function unknown(place: string, status: number): SecretMissing {
  const mount = place.split('/')[0];
  return new SecretMissing(
    `Vault shows the agent no mount there (${status}): either nothing is mounted at ${mount}/ (VAULT_NAMESPACE may be wrong), or the agent’s policy allows nothing under it; allow the path, or say what it is with vault:kv1:, vault:kv2: or vault:db:`,
  );
}
