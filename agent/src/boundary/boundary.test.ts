import assert from 'node:assert/strict';
import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { Boundary } from './boundary.ts';
import { placeOf } from './places.ts';

const named: Record<string, string[]> = {
  'db.corp.example': ['10.0.3.7'],
  'rebound.example': ['10.0.3.7', '169.254.169.254'],
  'metadata.google.internal': ['169.254.169.254'],
  'here.example': ['127.0.0.1'],
  'far.example': ['203.0.113.9', '2001:db8::9'],
};
const boundary = (targets?: string, refused: string[] = []) =>
  Boundary.of(targets === undefined ? {} : { SALLYPORT_TARGETS: targets }, {
    resolve: async (host) => (named[host] ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    onRefused: (target) => refused.push(target),
  });
const may = (targets: string | undefined, host: string, port = 5432) =>
  boundary(targets)
    .checkTarget(host, port)
    .then(() => true)
    .catch((error: Error) => {
      assert.match(error.message, /^The agent does not connect to .*SALLYPORT_TARGETS\.$/);
      return false;
    });

describe('where an agent connects', () => {
  for (const [targets, host, wanted] of [
    [undefined, '10.0.3.7', true],
    [undefined, '192.168.1.1', true],
    [undefined, '172.31.0.1', true],
    [undefined, '172.32.0.1', false],
    [undefined, '100.64.0.1', true],
    [undefined, 'fd12::1', true],
    [undefined, '::ffff:10.0.3.7', true],
    [undefined, 'db.corp.example', true],
    [undefined, '203.0.113.9', false],
    [undefined, 'far.example', false],
    [undefined, '127.0.0.1', false],
    [undefined, '127.8.8.8', false],
    [undefined, '::1', false],
    [undefined, '[::1]', false],
    [undefined, '::ffff:127.0.0.1', false],
    [undefined, '64:ff9b::7f00:1', false],
    [undefined, '64:ff9b::169.254.169.254', false],
    [undefined, '0.0.0.0', false],
    [undefined, '::', false],
    [undefined, '169.254.169.254', false],
    [undefined, '::ffff:169.254.169.254', false],
    [undefined, '::ffff:a9fe:a9fe', false],
    [undefined, 'fe80::1', false],
    [undefined, 'fe80::1%eth0', false],
    [undefined, 'fd00:ec2::254', false],
    [undefined, '100.100.100.200', false],
    [undefined, 'metadata.google.internal', false],
    [undefined, 'rebound.example', false],
    [undefined, 'here.example', false],
    ['10.0.3.7:5432', '10.0.3.7', true],
    ['10.0.3.7:5433', '10.0.3.7', false],
    ['10.0.3.7:5430-5439', '10.0.3.7', true],
    ['10.0.3.7:5432', '10.0.3.8', false],
    ['10.0.3.7:5432', 'db.corp.example', true],
    ['10.0.0.0/8:*', '10.200.1.1', true],
    ['10.0.0.0/8:*', '192.168.1.1', false],
    ['[2001:db8::]/32:5432', '2001:db8::9', true],
    ['*.corp.example:5432', 'db.corp.example', true],
    ['*.corp.example:5432', 'DB.Corp.Example', true],
    ['*.corp.example:5432', 'db.corp.example.evil.example', false],
    ['private,far.example:5432', 'far.example', true],
    ['private,far.example:5432', '10.9.9.9', true],
    ['far.example:5432', '203.0.113.9', false],
    ['localhost:5432,here.example:5432', 'here.example', true],
    ['127.0.0.0/8:*', '127.0.0.1', true],
    ['127.0.0.0/8:*', '::1', false],
    ['rebound.example:5432', 'rebound.example', false],
    ['metadata.google.internal:*', 'metadata.google.internal', false],
    ['169.254.169.254:5432', 'metadata.google.internal', true],
    ['0.0.0.0/0:*,[::]/0:*', '203.0.113.9', true],
    ['', '10.0.3.7', false],
  ] as const) {
    it(`${targets ?? 'without a list'}: ${host} ${wanted ? 'is reached' : 'is not'}`, async () => {
      named['DB.Corp.Example'] = ['10.0.3.7'];
      named['db.corp.example.evil.example'] = ['10.0.3.7'];
      assert.equal(await may(targets, host), wanted);
    });
  }

  it('leads names to the addresses that were checked, and to no other', async () => {
    const server = createServer((socket) => socket.end('here'));
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    const { port } = server.address() as AddressInfo;
    let asked = 0;
    const fence = new Boundary(['here.example:*'], {
      resolve: async () => {
        asked += 1;
        return [{ address: '127.0.0.1', family: 4 }];
      },
    });
    const socket = connect(await fence.checkTarget('here.example', port));
    const text = await new Promise((done) => socket.on('data', (chunk) => done(String(chunk))));
    assert.deepEqual([text, asked], ['here', 1]);
    socket.destroy();
    await new Promise((done) => server.close(done));
  });

  it('a name without an address is the DNS’s matter', async () => {
    const { lookup } = await boundary().checkTarget('nobody.example', 1);
    await new Promise<void>((done) =>
      lookup('nobody.example', {}, (error) => done(assert.equal(error?.code, 'ENOTFOUND'))),
    );
  });

  it('tells the agent’s operator what was refused', async () => {
    const refused: string[] = [];
    await assert.rejects(boundary(undefined, refused).checkTarget('::1', 22), { code: 'ERR_TARGET_UNREACHABLE' });
    assert.deepEqual(refused, ['[::1]:22']);
  });

  for (const wrong of [
    '10.0.0.1',
    '10.0.0.1/8:*',
    'db',
    'db:',
    'db:0',
    'db:70000',
    'db:9-5',
    '*:5432',
    '*.*:1',
    'a b:1',
    '2001:db8::1:5432',
    '[2001:db8::1]',
    '10.0.0.0/33:*',
    'http://db:1',
  ]) {
    it(`"${wrong}" is refused at the start`, () => {
      assert.throws(() => boundary(wrong), /^Error: SALLYPORT_TARGETS: /);
    });
  }

  it('knows places', () => {
    assert.deepEqual(
      [
        '8.8.8.8',
        '10.1.1.1',
        '127.1.1.1',
        '169.254.1.1',
        '2606:4700::1',
        'fc00::1',
        '::1',
        '::',
        '::ffff:8.8.8.8',
        '::8.8.8.8',
        '::7f00:1',
      ].map(placeOf),
      [
        'public',
        'private',
        'loopback',
        'metadata',
        'public',
        'private',
        'loopback',
        'metadata',
        'public',
        'public',
        'loopback',
      ],
    );
  });
});
