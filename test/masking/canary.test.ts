import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dataRow, encodeFields, notificationResponse } from '@sallyport/shared/wire/postgres/backend.ts';
import { copyData } from '@sallyport/shared/wire/postgres/frontend.ts';
import { Backend, type Format } from '@sallyport/shared/wire/postgres/types.ts';
import { compileMasks } from '../../gateway/src/masking/mask-set.ts';
import { CopyMasker, type CopyOptions } from '../../gateway/src/protocols/postgres/masking/copy.ts';
import { redactDiagnostic, redactNotification } from '../../gateway/src/protocols/postgres/masking/diagnostics.ts';
import { Output } from '../../gateway/src/protocols/postgres/masking/output.ts';
import type { ColumnPlan } from '../../gateway/src/protocols/postgres/masking/plan.ts';
import { RowMasker } from '../../gateway/src/protocols/postgres/masking/rows.ts';

/* A value that no client may see, and every way it might be seen. */

const canary = 'canary.7391@example.com';
const canaryBytes = Buffer.from(canary);

function assertUnseen(bytes: Buffer, where: string): void {
  const text = bytes.toString('latin1').toLowerCase();
  const forms = [
    canary,
    canaryBytes.toString('hex'),
    // Base64 of the middle, at each of the three places that it may have in a group.
    ...[0, 1, 2].map((shift) => canaryBytes.subarray(shift, shift + 18).toString('base64')),
    Buffer.from(canary, 'utf16le').toString('latin1'),
    [...canary].reverse().join(''),
  ];
  for (const form of forms) assert.ok(!text.includes(form.toLowerCase()), `${where} shows ${form}`);
}

const veil = compileMasks([{ name: 'm', spec: { columns: ['*.*.secret'], detect: ['email'] } }], {
  hashKey: Buffer.alloc(32, 1),
}).veil({ id: 'user:a', name: 'a', groups: [], claims: {} }, { name: 'db', labels: {}, protocol: 'postgres' })!;

const treatments = ['redact', 'null', 'hash', 'partial'] as const;
const plans: readonly ColumnPlan[number][] = [...treatments.map((as) => ({ mask: 'm', as })), 'inspect'];
/** Among them text, name, json, jsonb, xml, bytea, arrays, records, an enum, a number. */
const oids = [25, 1043, 1042, 19, 18, 114, 3802, 142, 17, 1009, 2249, 2950, 16_999, 0];

/** The canary as a value of the type: in JSON, in an array, as bytes. */
function valueAs(oid: number, format: Format): Buffer {
  if (oid === 114) return Buffer.from(JSON.stringify({ deep: [canary] }));
  if (oid === 3802) return Buffer.from(`${format === 1 ? '\x01' : ''}${JSON.stringify({ deep: [canary] })}`);
  if (oid === 17 && format === 0) return Buffer.from(`\\x${canaryBytes.toString('hex')}`);
  if (oid === 1009 && format === 0) return Buffer.from(`{a,"${canary}"}`);
  if (oid === 2249 && format === 0) return Buffer.from(`(1,${canary})`);
  return canaryBytes;
}

describe('a canary is never seen', () => {
  it('in rows, whatever the type, format and treatment', () => {
    for (const oid of oids) {
      for (const format of [0, 1] as const) {
        for (const plan of plans) {
          if (plan === 'inspect' && oid === 2950) continue;
          const masker = new RowMasker(
            ['pass', plan],
            [
              { typeOid: 23, format },
              { typeOid: oid, format },
            ],
            veil,
          );
          const row = dataRow([Buffer.from('1'), valueAs(oid, format)]);
          const shown = masker.mask(row, 0, row.length);
          assert.ok(shown, 'the row was rewritten');
          assertUnseen(shown, `type ${oid}, format ${format}, ${JSON.stringify(plan)}`);
        }
      }
    }
  });

  it('in rows whose plan is missing or does not fit', () => {
    const row = dataRow([canaryBytes, canaryBytes]);
    for (const plan of [undefined, [], ['pass'], ['pass', 'pass', 'pass']] as (ColumnPlan | undefined)[]) {
      const masker = new RowMasker(
        plan,
        (plan ?? []).map(() => ({ typeOid: 25, format: 0 })),
        veil,
      );
      assertUnseen(masker.mask(row, 0, row.length) ?? row, `a row, ${JSON.stringify(plan)}`);
    }
  });

  it('in copied data, however it is cut', () => {
    const lines: readonly (readonly [CopyOptions, string])[] = [
      [{ format: 'text' }, `1\t${canary}\n2\t\\\\${canary}\\n\n`],
      [{ format: 'csv', header: true }, `id,secret\n1,"${canary}\n""${canary}"\n2,${canary}\n`],
    ];
    for (const [options, text] of lines) {
      for (const plan of plans) {
        for (let cut = 1; cut < text.length; cut++) {
          const pieces: Buffer[] = [];
          const out = new Output((bytes) => pieces.push(bytes));
          const copy = new CopyMasker(['pass', plan], [23, 25], options, veil);
          for (const piece of [text.slice(0, cut), text.slice(cut)]) {
            const message = copyData(Buffer.from(piece));
            copy.message(message, 0, message.length, out);
          }
          copy.finish();
          out.flush();
          assertUnseen(Buffer.concat(pieces), `${options.format}, ${JSON.stringify(plan)}, cut at ${cut}`);
        }
      }
    }
  });

  it('in errors, notices and notifications', () => {
    const codes =
      '00000 01000 21000 22001 22003 22007 22012 22P02 23502 23503 23505 23514 42704 42P01 44000 P0001 XX000';
    for (const C of codes.split(' ')) {
      for (const type of [Backend.ErrorResponse, Backend.NoticeResponse]) {
        const said = `said "${canary}" of «x» "${canary}"`;
        const fields = { S: 'ERROR', V: 'ERROR', C, M: said, D: said, H: said, W: said, q: said, F: 'x.c', R: 'y' };
        const message = encodeFields(type, fields);
        assertUnseen(redactDiagnostic(message, 0, message.length), C);
      }
    }
    const told = notificationResponse(1, 'news', canary);
    assertUnseen(redactNotification(told, 0, told.length), 'a notification');
  });
});
