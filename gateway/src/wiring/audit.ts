import type { AuditPort, JournalEntry, TailFilter } from '../api/ports.ts';
import type { AuditEvent } from '../audit/event.ts';
import type { Journal } from '../audit/journal.ts';
import { verifyJournal } from '../audit/verify.ts';

const BATCH = 200;

/** The API's view of the journal. */
export function auditPort(journal: Journal): AuditPort {
  return {
    async *tail(filter, signal) {
      let after = filter.after ?? journal.head.sequence;
      if (filter.last !== undefined) {
        after = journal.head.sequence;
        const latest = await journal.latest(filter.last, (event) => matches(event, filter));
        yield latest.filter(({ sequence }) => sequence <= after);
      }
      let batch: JournalEntry[] = [];
      const reader = journal.read({ after, follow: filter.follow, signal });
      for await (const { sequence, hash, event } of reader) {
        if (matches(event, filter)) batch.push({ sequence, hash, event });
        const waiting = filter.follow && sequence >= journal.head.sequence;
        if (batch.length < BATCH && !(waiting && batch.length > 0)) continue;
        yield batch;
        batch = [];
      }
      if (batch.length > 0) yield batch;
    },
    async verify() {
      const report = await verifyJournal(journal.dir);
      const { problem } = report;
      return {
        intact: problem === undefined,
        events: report.records,
        head: report.head.hash,
        ...(problem === undefined
          ? {}
          : {
              problem: `${problem.file}, line ${problem.line}: ${problem.what}`,
              ...(problem.sequence === undefined ? {} : { brokenAt: problem.sequence }),
            }),
      };
    },
  };
}

function matches(event: AuditEvent, { types, connection, sessionId }: TailFilter): boolean {
  if (connection !== undefined && event.connection !== connection) return false;
  if (sessionId !== undefined && event.sessionId !== sessionId) return false;
  if (types.length === 0) return true;
  return types.some((type) => (type.endsWith('.') ? event.type.startsWith(type) : event.type === type));
}
