import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditEvent } from '../../gateway/src/audit/event.ts';
import { Journal } from '../../gateway/src/audit/journal.ts';
import { verifyJournal } from '../../gateway/src/audit/verify.ts';
import { postgresTranscript } from '../../gateway/src/protocols/postgres/transcript/transcript.ts';
import { readRecording } from '../../gateway/src/recording/reader.ts';

/** All events of a data folder whose gateway does not run. @throws Error where the chain does not verify */
export async function journalled(dataFolder: string): Promise<AuditEvent[]> {
  const dir = join(dataFolder, 'journal');
  const journal = await Journal.open(dir);
  try {
    const events: AuditEvent[] = [];
    for await (const { event } of journal.read()) events.push(event);
    const { problem } = await verifyJournal(dir);
    if (problem !== undefined) throw new Error(`${problem.file}:${problem.line}: ${problem.what}`);
    return events;
  } finally {
    await journal.close();
  }
}

/** Numbers that clients were answered with, as the recordings tell: `select <n> as numbered`. */
export async function recorded(dataFolder: string): Promise<Set<number>> {
  const folder = join(dataFolder, 'recordings');
  const numbers = new Set<number>();
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.rec'));
  for (const file of files) {
    for await (const event of postgresTranscript(await readRecording(join(folder, file)))) {
      if (event.type !== 'row') continue;
      const number = Number(event.cells[0]);
      if (Number.isInteger(number)) numbers.add(number);
    }
  }
  return numbers;
}

/** Numbers of the statements that the journal let through. */
export function performed(events: readonly AuditEvent[]): Set<number> {
  const numbers = new Set<number>();
  for (const { type, data } of events) {
    if (!type.startsWith('postgres.')) continue;
    const match = /values \((\d+)\)/.exec(String(data['text']));
    if (match !== null) numbers.add(Number(match[1]));
  }
  return numbers;
}
