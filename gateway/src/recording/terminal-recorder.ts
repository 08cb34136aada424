import type { TerminalScribe } from '../protocols/protocol.ts';
import { Echo } from './echo.ts';
import { noteEntry, outputEntry, type TerminalNote } from './terminal.ts';
import type { RecordingWriter } from './writer.ts';

export interface TerminalRecorderOptions {
  /** Of the channel within its session. Default: 0. */
  readonly channel?: number;
  /** Milliseconds on a clock that only goes forward. */
  readonly now?: () => number;
}

/** Bytes of one entry: long output is cut, so that readers hold little. */
const MAX_ENTRY_BYTES = 64 * 1024;
/** Of a name in a note. Characters. */
const MAX_NAME_CHARS = 4096;

/** Records one channel. Each call is in the file when it returns, and throws where it cannot be. */
export function terminalRecorder(
  writer: Pick<RecordingWriter, 'entry'>,
  { channel = 0, now = () => performance.now() }: TerminalRecorderOptions = {},
): TerminalScribe {
  const echo = new Echo();
  const note = (event: TerminalNote) => writer.entry('note', noteEntry(channel, event));
  const write = (isError: boolean, bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length; at += MAX_ENTRY_BYTES) {
      writer.entry('reply', outputEntry(channel, isError, bytes.subarray(at, at + MAX_ENTRY_BYTES)));
    }
  };
  return {
    output(bytes) {
      const typed = echo.echoed(bytes, now());
      if (typed.length > 0) note({ type: 'input', text: typed.toString('utf8') });
      write(false, bytes);
    },
    error: (bytes) => write(true, bytes),
    resize: (columns, rows) => note({ type: 'resize', columns, rows }),
    input: (bytes) => echo.typed(bytes, now()),
    exit: (exit) => note({ type: 'exit', ...exit }),
    transfer: (transfer) => note({ type: 'transfer', ...transfer, name: transfer.name.slice(0, MAX_NAME_CHARS) }),
  };
}
