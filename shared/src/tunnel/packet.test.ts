import assert from 'node:assert/strict';
import { it } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { PacketSchema } from '@sallyport/proto/tunnel/v1/tunnel_pb';
import { controlPart, decodePacket, encodePacket } from './packet.ts';

it('frames a packet by hand exactly as protobuf-es does, and reads it back without a copy', () => {
  const bytes = Buffer.alloc(300, 7);
  const credit = { case: 'credit', value: { bytes: 5 } } as const;
  const packet = encodePacket([{ exchange: 70_000, bytes, isData: true }, controlPart(3, credit)]);
  const entries = [
    { exchange: 70_000, kind: { case: 'data' as const, value: new Uint8Array(bytes) } },
    { exchange: 3, kind: credit },
  ];
  assert.deepEqual(packet, Buffer.from(toBinary(PacketSchema, create(PacketSchema, { entries }))));
  const seen: unknown[] = [];
  decodePacket(packet, {
    onData: (exchange, data) => {
      assert.equal(data.buffer, packet.buffer);
      seen.push([exchange, data.length]);
    },
    onControl: (exchange, kind) => seen.push([exchange, kind.case]),
  });
  assert.deepEqual(seen, [
    [70_000, 300],
    [3, 'credit'],
  ]);
});

it('refuses a packet that is cut short', () => {
  const packet = encodePacket([{ exchange: 1, bytes: Buffer.alloc(10), isData: true }]);
  const sink = { onData: () => {}, onControl: () => {} };
  assert.throws(() => decodePacket(packet.subarray(0, 8), sink), { code: 'ERR_WIRE_MALFORMED' });
});
