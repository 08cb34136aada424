import { once } from 'node:events';
import type { WriteStream } from 'node:tty';

/** Where text goes. Writing waits for a slow reader, so that a long answer is never kept in memory. */
export interface Output {
  readonly isTTY: boolean;
  /** Columns of the terminal; undefined where there is none: nothing is cut then. */
  readonly width: number | undefined;
  write(text: string | Uint8Array): Promise<void>;
}

export function outputTo(stream: NodeJS.WriteStream): Output {
  const { columns } = stream as Partial<WriteStream>;
  const isTTY = stream.isTTY === true;
  return {
    isTTY,
    width: isTTY ? (columns ?? 80) : undefined,
    async write(text) {
      if (!stream.write(text)) await once(stream, 'drain');
    },
  };
}
