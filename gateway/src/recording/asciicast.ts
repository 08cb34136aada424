import { StringDecoder } from 'node:string_decoder';
import { spokenName } from '@sallyport/shared/access/principal.ts';
import type { Entry, RecordingHeader } from './format.ts';
import { type TerminalEvent, terminalEvent } from './terminal.ts';

/** RFC 4254 lets a client leave its size out. */
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

/** A recording as far as this needs it. */
export interface TerminalRecording extends AsyncIterable<Entry> {
  readonly header: RecordingHeader;
}

/**
 * A recording in asciicast v2, a line at a time: the header, then `[seconds, code, data]` with `o` output, `i` input, `r`
 * resize and `m` marks for everything else. Channels follow each other as they happened.
 * @see https://docs.asciinema.org/manual/asciicast/v2/
 */
export async function* asciicast(recording: TerminalRecording): AsyncGenerator<string, void, undefined> {
  const decoders = new Map<string, StringDecoder>();
  let size: { columns: number; rows: number } | undefined;
  let lastUs = 0;
  for await (const { kind, timeUs, payload } of recording) {
    const found = terminalEvent(kind, payload);
    if (found === undefined) continue;
    const { channel, event } = found;
    if (size === undefined) {
      size = event.type === 'resize' ? event : { columns: DEFAULT_COLUMNS, rows: DEFAULT_ROWS };
      yield headerLine(recording.header, size);
      if (event.type === 'resize') continue;
    }
    lastUs = timeUs;
    const line = eventLine(event, timeUs, (type) => {
      const key = `${channel} ${type}`;
      const decoder = decoders.get(key) ?? new StringDecoder('utf8');
      decoders.set(key, decoder);
      return decoder;
    });
    if (line !== undefined) yield line;
  }
  if (size === undefined) yield headerLine(recording.header, { columns: DEFAULT_COLUMNS, rows: DEFAULT_ROWS });
  for (const decoder of decoders.values()) {
    const rest = decoder.end();
    if (rest !== '') yield written(lastUs, 'o', rest);
  }
}

function headerLine(header: RecordingHeader, { columns, rows }: { columns: number; rows: number }): string {
  const { startedAt, connection, principal } = header;
  return `${JSON.stringify({
    version: 2,
    width: columns,
    height: rows,
    timestamp: Math.floor(startedAt / 1000),
    title: `${spokenName(principal)} on ${connection}`,
  })}\n`;
}

function eventLine(event: TerminalEvent, atUs: number, decoderOf: (type: string) => StringDecoder): string | undefined {
  switch (event.type) {
    case 'output':
    case 'error': {
      const text = decoderOf(event.type).write(event.bytes);
      return text === '' ? undefined : written(atUs, 'o', text);
    }
    case 'input':
      return written(atUs, 'i', event.text);
    case 'resize':
      return written(atUs, 'r', `${event.columns}x${event.rows}`);
    case 'exit':
      return written(
        atUs,
        'm',
        event.signal === undefined ? `exit ${event.code ?? ''}`.trim() : `signal ${event.signal}`,
      );
    case 'transfer':
      return written(atUs, 'm', `${event.direction} ${event.name}: ${event.bytes} bytes, sha256 ${event.sha256}`);
    case 'unreadable':
      return written(atUs, 'm', `not readable: ${event.reason}`);
  }
}

const written = (atUs: number, code: string, data: string): string =>
  `${JSON.stringify([atUs / 1_000_000, code, data])}\n`;
