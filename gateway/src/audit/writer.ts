import { closeSync, fdatasync, fdatasyncSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';

/** The system calls that change a file; tests put failing ones in their place. */
export interface Disk {
  write(fd: number, bytes: Buffer, offset: number, length: number, position: number): number;
  truncate(fd: number, length: number): void;
  sync(fd: number): void;
  syncLater(fd: number, done: (error: Error | null) => void): void;
}

export const disk: Disk = { write: writeSync, truncate: ftruncateSync, sync: fdatasyncSync, syncLater: fdatasync };

/**
 * The end of one file that only grows, by whole writes: what a failed write left behind is cut off before the next.
 * Methods throw the system's own errors.
 */
export class FileEnd {
  readonly #fd: number;
  readonly #disk: Disk;
  #size: number;
  #durable: number;
  #ragged = false;
  #suspect = false;

  constructor(file: string, using: Disk) {
    this.#disk = using;
    this.#fd = openSync(file, 'r+');
    this.#size = fstatSync(this.#fd).size;
    this.#durable = this.#size;
  }

  get size(): number {
    return this.#size;
  }

  get durable(): number {
    return this.#durable;
  }

  /** All of it or nothing; it has reached the kernel when this returns. */
  append(bytes: Buffer, length: number): void {
    if (this.#ragged) this.#trim();
    let written = 0;
    try {
      while (written < length) {
        written += this.#disk.write(this.#fd, bytes, written, length - written, this.#size + written);
      }
    } catch (error) {
      this.#ragged = true;
      this.#tryTrim();
      throw error;
    }
    this.#size += length;
  }

  /** Blocks until everything is on the disk. */
  sync(): void {
    this.#mend();
    const reached = this.#size;
    try {
      this.#disk.sync(this.#fd);
    } catch (error) {
      this.#suspect = true;
      throw error;
    }
    this.#durable = reached;
  }

  /** Calls back when what is written by now is on the disk. One at a time. */
  syncLater(done: (error: Error | undefined) => void): void {
    try {
      this.#mend();
    } catch (error) {
      setImmediate(() => done(error instanceof Error ? error : new Error(String(error))));
      return;
    }
    const reached = this.#size;
    this.#disk.syncLater(this.#fd, (error) => {
      if (error === null) this.#durable = Math.max(this.#durable, reached);
      else this.#suspect = true;
      done(error ?? undefined);
    });
  }

  /** A sync failed and none has succeeded since. */
  get suspect(): boolean {
    return this.#suspect;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #trim(): void {
    this.#disk.truncate(this.#fd, this.#size);
    this.#ragged = false;
  }

  #tryTrim(): void {
    try {
      this.#trim();
    } catch {
      // The next append begins with it.
    }
  }

  /** After a failed sync the kernel holds pages for clean that never reached the disk: they are written again. */
  #mend(): void {
    if (!this.#suspect) return;
    const buffer = Buffer.allocUnsafe(64 * 1024);
    for (let at = this.#durable; at < this.#size; ) {
      const length = readSync(this.#fd, buffer, 0, Math.min(buffer.length, this.#size - at), at);
      if (length === 0) throw new Error('the journal lost what was written to it');
      for (let done = 0; done < length; ) {
        done += this.#disk.write(this.#fd, buffer, done, length - done, at + done);
      }
      at += length;
    }
    this.#suspect = false;
  }
}
