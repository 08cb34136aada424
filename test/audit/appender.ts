// Appends events until it is killed; tells each number only when the journal has taken it. Run by the crash tests.
import { writeSync } from 'node:fs';
import { newEvent } from '../../gateway/src/audit/events.ts';
import { Journal } from '../../gateway/src/audit/journal.ts';

const [dir = '', segmentBytes = '16384', bodyBytes = '100'] = process.argv.slice(2);
const journal = await Journal.open(dir, { segmentBytes: Number(segmentBytes) });
const text = 'x'.repeat(Number(bodyBytes));
writeSync(1, `open ${journal.head.sequence}\n`);
for (;;) {
  try {
    const event = newEvent('postgres.query', { data: { text } });
    const sequence = journal.head.sequence % 50 === 0 ? await journal.appendDurable(event) : journal.append(event);
    writeSync(1, `${sequence}\n`);
  } catch (error) {
    writeSync(1, `refused ${error instanceof Error ? error.message : error}\n`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await new Promise((resolve) => setImmediate(resolve));
}
