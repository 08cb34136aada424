import { type FSWatcher, readdirSync, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '@sallyport/shared/errors/errors.ts';

/** One file of resources. */
export interface ResourceFile {
  readonly file: string;
  readonly text: string;
}

/** Editors write in several steps: changes of this time are applied as one. */
const SETTLE_MS = 200;

/** A folder of resources, applied at the start and whenever a file in it changes. */
export class ResourceFiles {
  readonly #folder: string;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Applies the folder, and again after each change; a folder that is wrong then is told and changes nothing.
   * @throws ConfigError where it is wrong now
   */
  async start(
    apply: (files: readonly ResourceFile[]) => Promise<void>,
    onError: (error: Error) => void,
  ): Promise<void> {
    await apply(this.#read());
    this.#watcher = watch(this.#folder, () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => {
        Promise.resolve()
          .then(() => apply(this.#read()))
          .catch(onError);
      }, SETTLE_MS);
    });
    this.#watcher.on('error', onError);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#watcher?.close();
  }

  #read(): ResourceFile[] {
    try {
      const names = readdirSync(this.#folder).filter((name) => /^[^.].*\.ya?ml$/.test(name));
      return names.sort().map((name) => {
        const file = join(this.#folder, name);
        return { file, text: readFileSync(file, 'utf8') };
      });
    } catch (error) {
      throw new ConfigError(
        this.#folder,
        undefined,
        `the folder of resources cannot be read: ${(error as Error).message}`,
      );
    }
  }
}
