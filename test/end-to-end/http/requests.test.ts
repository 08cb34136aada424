import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { apiKey, HttpStage } from './fixture.ts';

let stage: HttpStage;
before(async () => {
  stage = await HttpStage.start();
});
after(() => stage.stop());

describe('requests with curl', () => {
  it('reach the target with the agent’s credential and without the client’s', async () => {
    const { status, body } = await stage.curl('/shop/items?a=1&a=2');
    assert.equal(status, 200, body);
    assert.deepEqual(JSON.parse(body), { method: 'GET', url: '/items?a=1&a=2', body: '' });
    const { headers } = stage.plain.last;
    assert.equal(headers['x-api-key'], apiKey);
    assert.equal(headers.authorization, undefined);
    assert.equal(headers.host, `127.0.0.1:${stage.plain.port}`);
    assert.ok(!JSON.stringify(stage.plain.last).includes(stage.token));
  });

  it('over HTTP/2 and HTTP/1.1', async () => {
    const two = await stage.curl('/shop/two', '--http2');
    assert.match(two.head, /^http\/2 200/m);
    const one = await stage.curl('/shop/one', '--http1.1');
    assert.match(one.head, /^http\/1\.1 200/m);
  });

  it('with the token as the password, and in a header of our own', async () => {
    assert.equal((await stage.curl('/shop/a', '-u', `me:${stage.token}`)).status, 200);
    const own = await stage.curl('/shop/a', '-H', `Sallyport-Token: ${stage.token}`);
    assert.equal(own.status, 200);
    assert.ok(!JSON.stringify(stage.plain.last).includes(stage.token));
  });

  it('with bodies, small and chunked', async () => {
    const small = await stage.curl('/shop/echo', '-d', 'name=x');
    assert.equal(JSON.parse(small.body).body, 'name=x');
    assert.equal(stage.plain.last.headers['content-length'], '6');
    const chunked = await stage.curl('/shop/echo', '-H', 'Transfer-Encoding: chunked', '--http1.1', '-d', 'many');
    assert.equal(JSON.parse(chunked.body).body, 'many');
    assert.equal(stage.plain.last.headers['transfer-encoding'], 'chunked');
    const put = await stage.curl('/shop/echo', '-X', 'PUT', '-d', '');
    assert.equal(put.status, 200);
    assert.equal(stage.plain.last.headers['content-length'], '0');
  });

  it('to a base path, to TLS, by host name', async () => {
    const based = await stage.curl('/based/x');
    assert.equal(JSON.parse(based.body).url, '/base/v1/x');
    const expected = `Basic ${Buffer.from(`svc:${apiKey}`).toString('base64')}`;
    assert.equal(stage.plain.last.headers.authorization, expected);
    const bank = await stage.curl('/bank/accounts');
    assert.equal(bank.status, 200, bank.body);
    assert.equal(stage.secure.last.headers.authorization, `Bearer ${apiKey}`);
    const named = await stage.curl('/shop/x', '-H', 'Host: shop.example.test');
    assert.equal(JSON.parse(named.body).url, '/shop/x');
  });

  it('HEAD, 204, 304 and Expect', async () => {
    stage.plain.on('/none', (_, response) => response.writeHead(204).end());
    stage.plain.on('/same', (_, response) => response.writeHead(304, { etag: '"1"' }).end());
    assert.equal((await stage.curl('/shop/none')).status, 204);
    assert.equal((await stage.curl('/shop/same')).status, 304);
    const head = await stage.curl('/shop/items', '-I');
    assert.equal(head.status, 200);
    assert.equal(head.exitCode, 0);
    const expecting = await stage.curl('/shop/echo', '--http1.1', '-H', 'Expect: 100-continue', '-d', 'later');
    assert.match(expecting.head, /100 continue/);
    assert.equal(JSON.parse(expecting.body).body, 'later');
  });

  it('and node’s fetch and Python’s urllib', async () => {
    const code = `import urllib.request, ssl, sys
c = ssl._create_unverified_context()
r = urllib.request.Request(sys.argv[1] + '/shop/py', headers={'Authorization': 'Bearer ' + sys.argv[2]}, data=b'hello')
print(urllib.request.urlopen(r, context=c).read().decode())`;
    const said = execFileSync('python3', ['-c', code, stage.url, stage.token], { encoding: 'utf8' });
    assert.deepEqual(JSON.parse(said), { method: 'POST', url: '/py', body: 'hello' });
    const script = `const r = await fetch(process.argv[1] + '/shop/js', { method: 'POST', body: 'hi', headers: { authorization: 'Bearer ' + process.argv[2] } }); console.log(await r.text());`;
    const env = { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' };
    const fetched = execFileSync(process.execPath, ['--input-type=module', '-e', script, stage.url, stage.token], {
      encoding: 'utf8',
      env,
    });
    assert.deepEqual(JSON.parse(fetched), { method: 'POST', url: '/js', body: 'hi' });
  });
});

describe('who may not', () => {
  it('is told what to do', async () => {
    const none = await stage.curl('/shop/x', '-H', 'Authorization:');
    assert.equal(none.status, 401);
    assert.match(none.head, /www-authenticate: bearer/);
    assert.match(none.head, /application\/problem\+json/);
    const wrong = await stage.curl('/shop/x', '-H', 'Authorization: Bearer sp_wrong');
    assert.equal(wrong.status, 401);
    const unknown = await stage.curl('/shp/x');
    assert.equal(unknown.status, 403);
    assert.match(unknown.body, /shop/);
    assert.equal((await stage.curl('/')).status, 404);
  });

  it('is refused by rule, and the target hears nothing', async () => {
    const before = stage.plain.seen.length;
    const denied = await stage.curl('/shop/items/1', '-X', 'DELETE');
    assert.equal(denied.status, 403);
    assert.match(denied.body, /nothing is deleted by hand/);
    const other = await stage.curl('/guarded/other', '-d', 'x');
    assert.equal(other.status, 403);
    assert.equal(stage.plain.seen.length, before);
  });

  it('by what the body says, read as the target will read it', async () => {
    const send = (body: string) => stage.curl('/guarded/orders', '-H', 'Content-Type: application/json', '-d', body);
    assert.equal((await send('{"amount": 5}')).status, 200);
    assert.equal(stage.plain.last.body, '{"amount": 5}');
    for (const body of ['{"amount": 500}', '{"amount": 500, "amount": 5}', '{"amount": 5', '', '[5]']) {
      assert.equal((await send(body)).status, 403, body);
    }
  });

  it('learns which part is away', async () => {
    const nowhere = await stage.curl('/nowhere/x');
    assert.equal(nowhere.status, 503);
    assert.match(nowhere.body, /nobody listens/);
    const distrusted = await stage.curl('/distrusted/x');
    assert.equal(distrusted.status, 503);
    assert.match(distrusted.body, /self-signed/);
  });
});
