// Writes entries and tells on standard output how far it got, until it is killed.
import { writeSync } from 'node:fs';
import { RecordingWriter } from '../../gateway/src/recording/writer.ts';

const [path = '', seed = '1'] = process.argv.slice(2);
const writer = RecordingWriter.create(path, {
  sessionId: 'crash',
  connection: 'c',
  protocol: 'postgres',
  principal: { id: 'user:a', name: 'a' },
  startedAt: Date.now(),
});
const sizes = [8, 60, 3_000, 70_000, 1_000_000];
for (let n = 0; ; n++) {
  const payload = Buffer.alloc(sizes[(n * Number(seed)) % sizes.length] ?? 8, n & 0xff);
  payload.writeUInt32BE(n);
  writer.entry(n % 3 === 0 ? 'request' : 'reply', payload);
  writeSync(1, `${n}\n`);
}
