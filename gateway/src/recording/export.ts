import type { Recording } from './reader.ts';

/**
 * A recording as lines of JSON: the header, an entry a line (`at` in milliseconds since the epoch; replies in base64),
 * and how it ended. Everything that is in the file is in the lines.
 */
export async function* exportLines(recording: Recording): AsyncGenerator<string, void, undefined> {
  const { header } = recording;
  yield line({ header });
  for await (const { kind, timeUs, payload } of recording) {
    const at = header.startedAt + timeUs / 1000;
    yield line(
      kind === 'reply'
        ? { at, kind, base64: payload.toString('base64') }
        : { at, kind, value: JSON.parse(payload.toString()) },
    );
  }
  yield line({ ending: recording.ending });
}

const line = (value: unknown): string => `${JSON.stringify(value)}\n`;
