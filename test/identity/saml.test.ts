import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { BrowserProvider, Json } from '@sallyport/gateway/src/identity/federation/browser-provider.ts';
import { federationOf } from '@sallyport/gateway/src/identity/federation/federation.ts';
import { accepted, denied } from './expectations.ts';
import {
  acsUrl,
  assertionXml,
  idpEntityId,
  type Otherwise,
  pair,
  responseXml,
  signed,
  spEntityId,
} from './saml-idp.ts';

const idp = pair();
const stranger = pair();
let browser: BrowserProvider;
let memory: Json;
let request: string;

const spec = {
  type: 'saml',
  issuer: idpEntityId,
  entryPoint: 'https://idp.example.com/sso',
  idpCert: idp.certificate,
} as const;

beforeEach(async () => {
  browser = federationOf([{ name: 'corp', spec }], { publicUrl: spEntityId }).providers[0] as BrowserProvider;
  const begun = await browser.begin({ state: 'the-state', redirectUri: acsUrl });
  memory = begun.memory;
  request = (memory as { requestId: string }).requestId;
});

const come = (xml: string, kept: Json = memory) =>
  browser.complete(
    { url: new URL(acsUrl), form: new URLSearchParams({ SAMLResponse: Buffer.from(xml).toString('base64') }) },
    kept,
  );
const good = (other: Otherwise = {}): string => signed(responseXml(assertionXml(request, other), request, other), idp);
const partOf = (xml: string, name: string): string =>
  new RegExp(`<(\\w+:)?${name}[ >].*</(\\w+:)?${name}>`).exec(xml)?.[0] ?? '';
const evil = () => assertionXml(request, { nameId: 'admin@example.com', id: '_evil' });

describe('a SAML response', () => {
  it('that is right says who it is', async () => {
    const { principal, providerSession } = await accepted(come(good()));
    assert.equal(principal.id, `saml:${idpEntityId}#alice@example.com`);
    assert.deepEqual(principal.groups, ['dba', 'ops']);
    assert.deepEqual(providerSession, { subject: 'alice@example.com', sid: 's1' });
  });

  it('is accepted once', async () => {
    const xml = good();
    await accepted(come(xml));
    await denied(come(xml), /used before/);
  });

  it('that is bad does not burn the request', async () => {
    await denied(come(good({ audience: 'https://else' })), /audience/);
    await accepted(come(good()));
  });

  for (const [what, other, wanted] of [
    ['for another audience', { audience: 'https://else.example.com' }, /audience/],
    ['for another recipient', { recipient: 'http://127.0.0.1:1/else' }, /recipient/],
    ['for another destination', { destination: 'http://127.0.0.1:1/else' }, /destination/],
    ['of another issuer', { issuer: 'https://else.example.com' }, /issuer/],
    ['to another request', { inResponseTo: '_else' }, /another request/],
    ['that has expired', { until: -61 }, /expired/],
    ['that does not hold yet', { from: 90 }, /not hold yet/],
    ['with a comment in the name', { nameId: 'alice@example.com<!-- -->.evil.com' }, /comment/],
  ] as const) {
    it(`${what} is refused`, async () => denied(come(good(other)), wanted));
  }

  it('within the skew of clocks is accepted', async () => {
    await accepted(come(good({ until: -30 })));
    await accepted(come(good({ from: 50 })));
  });

  it('to a request of somebody else, or to none, is refused', async () => {
    await denied(come(good(), { ...(memory as object), requestId: '_other' } as Json), /another request/);
    await denied(come(good(), null), /not begun here/);
  });

  it('that is unsigned, or signed by a stranger, or weakly, or elsewhere is refused', async () => {
    const plain = responseXml(assertionXml(request), request);
    await denied(come(plain), /not signed/);
    await denied(come(signed(plain, stranger)), /signature is wrong/);
    await denied(come(signed(plain, idp, 'Assertion', 'sha1')), /method is not accepted/);
    await denied(come(signed(plain, idp, 'Response')), /not signed/);
  });

  it('that was changed is refused', async () => {
    await denied(come(good().replace('>dba<', '>admins<')), /signature is wrong/);
    await denied(come(good().replace('alice@', 'admin@')), /signature is wrong/);
  });

  it('with a document type, entities or CDATA is refused before it is parsed', async () => {
    const xml = good();
    for (const head of ['<!DOCTYPE x>', '<!DOCTYPE x [<!ENTITY e "v">]>', '<?xml version="1.0"?><!DOCTYPE x>']) {
      await denied(come(head + xml), /document type/);
    }
    await denied(come(xml.replace('>dba<', '><![CDATA[dba]]><')), /CDATA/);
    await denied(come(xml.replace('>dba<', '>&e;<')), /entity/);
    await denied(come('<a>'.repeat(1000)), /too deep/);
  });

  it('that wraps what is signed is refused, in all eight ways', async () => {
    const whole = signed(responseXml(assertionXml(request), request), idp, 'Response');
    const own = good();
    const assertion = partOf(own, 'Assertion');
    const signature = partOf(assertion, 'Signature');
    const bare = assertion.replace(signature, '');
    const mark = (text: string, inner: string) => text.replace('</a:Issuer>', () => `</a:Issuer>${inner}`);
    const around = (inner: string) => own.replace(assertion, () => inner);
    const responseSignature = partOf(whole, 'Signature');
    const evilResponse = responseXml(evil(), request);
    const object = (text: string, inner: string) =>
      text.replace(
        '</Signature>',
        () => `<Object xmlns="http://www.w3.org/2000/09/xmldsig#">${inner}</Object></Signature>`,
      );
    const variants = [
      mark(evilResponse, object(responseSignature, whole.replace(responseSignature, ''))),
      mark(evilResponse, whole.replace(responseSignature, '') + responseSignature),
      around(evil() + assertion),
      around(evil().replace('</a:Assertion>', () => `${assertion}</a:Assertion>`)),
      around(mark(evil(), signature) + bare),
      around(mark(evil(), object(signature, bare))),
      around(`<p:Extensions>${evil()}</p:Extensions>${assertion}`),
      around(mark(evil(), object(signature, bare.replace('_evil', '_x')))),
    ];
    for (const [index, xml] of variants.entries()) {
      assert.ok(xml.includes('admin@example.com'), `variant ${index + 1} is an attack`);
      await denied(come(xml), /does not hold/);
    }
  });
});

it('the metadata asks for signed assertions at the right address', async () => {
  const xml = (await browser.metadata?.(acsUrl)) ?? '';
  assert.match(xml, /WantAssertionsSigned="true"/);
  assert.ok(xml.includes(`entityID="${spEntityId}"`) && xml.includes(`Location="${acsUrl}"`));
});
