import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { detectorNames, detectorsNamed } from './catalogue.ts';
import { features } from './features.ts';

/** What the detectors of that name find, as texts. */
function found(name: string, text: string): string[] {
  const bytes = Buffer.from(text);
  const seen = features(bytes, 0, bytes.length);
  const finds: string[] = [];
  for (const { needs, find } of detectorsNamed(name)) {
    if ((needs & seen) !== needs) continue;
    find(bytes.toString('latin1'), (start, end) => finds.push(bytes.toString('utf8', start, end)));
  }
  return [...new Set(finds)];
}

const jwtHeader = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url');
const jwtBody = Buffer.from('{"sub":"1234567890"}').toString('base64url');
const aToken = `${jwtHeader}.${jwtBody}.c2lnbmF0dXJlLXNpZ25hdHVyZQ`;
const pem = (kind: string, body = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nKcwggSjAgEAAoIBAQC7') =>
  `-----BEGIN ${kind}-----\n${body}\n-----END ${kind}-----`;
const a = (count: number, letter = 'a1B2') => letter.repeat(Math.ceil(count / letter.length)).slice(0, count);

/** By detector: texts that are found as a whole, also within others; texts in which nothing is. */
const tables: Readonly<Record<string, { yes: readonly string[]; no: readonly string[] }>> = {
  email: {
    yes: [
      'alice@example.com',
      'a@b.co',
      'first.last+tag@sub.example.co.uk',
      "o'brien@example.ie",
      'josé@exämple.de',
      'x_y-z@example-site.org',
      '"john doe"@example.com',
      'user@[192.168.0.1]',
      'UPPER@EXAMPLE.COM',
      '1234567890@example.com',
      `${'l'.repeat(64)}@example.com`,
      'a@xn--bcher-kva.example',
    ],
    no: [
      'alice',
      '@example.com',
      'user@localhost',
      'a@b',
      'a @ b.co',
      'foo@bar..com',
      'npm install left-pad@1.2.3',
      '@alice and @bob',
      'a@@',
      'price @ 3.50',
      'x@1.2',
      'user@.com',
    ],
  },
  'credit-card': {
    yes: [
      '4111111111111111',
      '4111 1111 1111 1111',
      '4111-1111-1111-1111',
      '5555555555554444',
      '2223003122003222',
      '378282246310005',
      '3782 822463 10005',
      '6011111111111117',
      '30569309025904',
      '3530111333300000',
      '4222222222222',
      '6304000000000000',
      '6200000000000005',
      '2200000000000004',
    ],
    no: [
      '4111111111111112',
      '1234567890123452',
      '0000000000000000',
      '411111111111',
      '41111111111111111111111',
      '4111  1111  1111  1111',
      '0.4111111111111111',
      '2026-11-24 03:33:07.123456+00',
      '9999999999999995',
      '4111.1111.1111.1111',
      '550e8400-e29b-41d4-a716-446655440000',
      '79927398713',
    ],
  },
  iban: {
    yes: [
      'DE89370400440532013000',
      'DE89 3704 0044 0532 0130 00',
      'GB82WEST12345698765432',
      'gb82west12345698765432',
      'FR1420041010050500013M02606',
      'NL91ABNA0417164300',
      'NO9386011117947',
      'ES9121000418450200051332',
      'IT60X0542811101000000123456',
      'CH9300762011623852957',
      'BE68539007547034',
      'MT84MALT011000012345MTLCAST001S',
      'LC55HEMM000100010012001200023015',
    ],
    no: [
      'DE89370400440532013001',
      'XX89370400440532013000',
      'DE8937040044053201300',
      'DE893704004405320130000',
      'GB82WEST12345698765433',
      'AB12CD34',
      'DE89',
      'de-89-37',
      'FR1420041010050500013M02607',
      'NO9386011117948',
      'US64SVBKUS6S3300958879',
      'order DE12 3456 7890',
    ],
  },
  'us-ssn': {
    yes: [
      '123-45-6789',
      '123 45 6789',
      '001-01-0001',
      '899-99-9999',
      '665-12-3456',
      '667-12-3456',
      '456-78-9012',
      '219-09-9998',
      '078-05-1121',
      '555-50-1234',
    ],
    no: [
      '000-12-3456',
      '666-12-3456',
      '900-12-3456',
      '123-00-4567',
      '123-45-0000',
      '078-05-1120',
      '219-09-9999',
      '123456789',
      '123-45 6789',
      '2123-45-6789',
      '123-45-67890',
      '1-123-45-6789',
      '123-45-6789-1',
    ],
  },
  'uk-nino': {
    yes: [
      'AB123456C',
      'AB 12 34 56 C',
      'ab123456d',
      'CE123456A',
      'JG103759A',
      'AB-12-34-56-B',
      'WK442212D',
      'PA123456A',
      'TX123456B',
      'ZY987654C',
    ],
    no: [
      'BG123456C',
      'GB123456C',
      'AO123456C',
      'DA123456C',
      'AB123456E',
      'AB12345C',
      'AB1234567C',
      'QQ123456C',
      'XAB123456C',
      'AB123456CD',
    ],
  },
  'es-dni': {
    yes: [
      '12345678Z',
      '12345678-Z',
      '12.345.678-Z',
      '00000000T',
      '99999999R',
      '11111111H',
      'X1234567L',
      'Y1234567X',
      'Z1234567R',
      '87654321X',
      'x-1234567-l',
    ],
    no: [
      '12345678A',
      '12345678',
      '1234567Z',
      '123456789Z',
      'X1234567A',
      'W1234567L',
      'A12345678Z',
      '12345678ZZ',
      '00000000A',
      '11111111I',
    ],
  },
  'it-codice-fiscale': {
    yes: [
      'RSSMRA85T10A562S',
      'BNCMRA80A41H501E',
      'VRDGPP80R10M082J',
      'MRTMTT91D08F205J',
      'RSSMRA80A01H501U',
      'RSSMRAULAPMHRLMH',
      'MLLSNT82P65Z404U',
      'GRLLSN83H50F205K',
      'RSSMRA80A01F205X',
      'rssmra85t10a562s',
      'RSS MRA 85T10 A562S',
    ],
    no: [
      'RSSMRA85T10A562T',
      'RSSMRA85T10A562',
      'RSSMRA85T10A5621S',
      'RSSMRA85F10A562S',
      'RSSMR185T10A562S',
      '1SSMRA85T10A562S',
      'RSSMRA80A01H501V',
      'ABCDEF12G34H567I',
      'XRSSMRA85T10A562S',
      'RSSMRA85T10A562SX',
    ],
  },
  'fr-nir': {
    yes: [
      '255081416802538',
      '180126955522387',
      '269054958815780',
      '185017511616129',
      '190112A00400327',
      '190112B00400354',
      '299129999999911',
      '168027512345682',
      '277039999900103',
      '2 55 08 14 168 025 38',
      '190112a00400327',
    ],
    no: [
      '255081416802539',
      '555081416802538',
      '255001416802538',
      '25508141680253',
      '2550814168025381',
      '255131416802538',
      '180126955222381',
      'A255081416802538',
      '000000000000000',
      '190112C00400325',
    ],
  },
  'de-steuer-id': {
    yes: [
      '86095742719',
      '47036892816',
      '65929970489',
      '57549285017',
      '25768131411',
      '86 095 742 719',
      '47 036 892 816',
      '65 929 970 489',
      '57 549 285 017',
      '25 768 131 411',
    ],
    no: [
      '86095742710',
      '01234567891',
      '12345678901',
      '11111111111',
      '8609574271',
      '860957427199',
      '47036892817',
      '65929970480',
      'a86095742719',
      '00000000000',
    ],
  },
  'nl-bsn': {
    yes: [
      '111222333',
      '123456782',
      '1234.56.782',
      '123 456 782',
      '123.456.782',
      '1234 56 782',
      '010464554',
      '232262536',
      '2322.62.536',
      '010 464 554',
    ],
    no: [
      '123456789',
      '000000000',
      '111111111',
      '12345678',
      '1234567822',
      '123456783',
      'a123456782',
      '999999999',
      '111222334',
      '123-456-782',
    ],
  },
  'br-cpf': {
    yes: [
      '111.444.777-35',
      '11144477735',
      '529.982.247-25',
      '52998224725',
      '168.995.350-09',
      '16899535009',
      '123.456.789-09',
      '12345678909',
      '111444777-35',
      '935.411.347-80',
    ],
    no: [
      '111.444.777-36',
      '111.111.111-11',
      '00000000000',
      '12345678900',
      '1114447773',
      '111444777355',
      '529.982.247-26',
      'x11144477735',
      '98765432101',
      '123.456.789-10',
    ],
  },
  'in-aadhaar': {
    yes: [
      '2341 2341 2346',
      '234123412346',
      '2341-2341-2346',
      '499118665246',
      '4991 1866 5246',
      '999941057058',
      '9999 4105 7058',
      '999971658847',
      '999933119405',
      '9999 5518 3433',
    ],
    no: [
      '234123412347',
      '134123412346',
      '034123412346',
      '23412341234',
      '2341234123461',
      '499118665247',
      '999941057059',
      '2341 23412346',
      'a234123412346',
      '222222222222',
    ],
  },
  jwt: {
    yes: [
      aToken,
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${jwtBody}.`,
      `${Buffer.from('{ "typ" : "JWT" }').toString('base64url')}.${jwtBody}.sig`,
      `${Buffer.from('{"alg":"RS256","kid":"1"}').toString('base64url')}.${jwtBody}.${a(340)}`,
      `${Buffer.from('{"alg":"RSA-OAEP","enc":"A256GCM"}').toString('base64url')}.${a(40)}.${a(16)}.${a(80)}.${a(22)}`,
      `${Buffer.from('{"typ":"at+jwt","alg":"ES256"}').toString('base64url')}.${jwtBody}.${a(86)}`,
      `${Buffer.from('{"alg":"EdDSA","jwk":{"kty":"OKP"}}').toString('base64url')}.${jwtBody}.${a(86)}`,
      `${Buffer.from('{\n"alg":"HS256"}').toString('base64url')}.${jwtBody}.${a(43)}`,
      `${Buffer.from('{"enc":"A128CBC-HS256"}').toString('base64url')}.${a(40)}.${a(16)}`,
      `${jwtHeader}.${a(9000)}.${a(43)}`,
    ],
    no: [
      jwtHeader,
      `${jwtHeader}.${jwtBody}`,
      'eyJhbGciOi.not.json',
      `${Buffer.from('{"a":1}').toString('base64url')}.${jwtBody}.sig`,
      'www.example.com',
      'a.b.c',
      'eyJ.eyJ.eyJ',
      `${jwtHeader} ${jwtBody} sig`,
      'com.example.averylongpackagename.Class',
      `${Buffer.from('["alg"]').toString('base64url')}.${jwtBody}.sig`,
      'eyewitnesses.of.events',
    ],
  },
  'private-key': {
    yes: [
      pem('PRIVATE KEY'),
      pem('RSA PRIVATE KEY'),
      pem('EC PRIVATE KEY'),
      pem('DSA PRIVATE KEY'),
      pem('OPENSSH PRIVATE KEY'),
      pem('ENCRYPTED PRIVATE KEY'),
      pem('PGP PRIVATE KEY BLOCK'),
      pem('RSA PRIVATE KEY', 'Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA'),
      pem('PRIVATE KEY').replaceAll('\n', '\\n'),
      '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC',
      pem('PRIVATE KEY', a(12_000)),
    ],
    no: [
      pem('PUBLIC KEY'),
      pem('CERTIFICATE'),
      pem('CERTIFICATE REQUEST'),
      'BEGIN PRIVATE KEY',
      '-----BEGIN PRIVATE KEY',
      '---- BEGIN PRIVATE KEY ----',
      '-----begin private key-----',
      '-----------------------',
      '-----END PRIVATE KEY-----',
      pem('PGP PUBLIC KEY BLOCK'),
      'PRIVATE KEY',
    ],
  },
  'cloud-key': {
    yes: [
      `AKIA${a(16, 'ABCD2345')}`,
      `ASIA${a(16, 'ABCD2345')}`,
      `AIza${a(35)}`,
      `GOCSPX-${a(28)}`,
      `ghp_${a(36)}`,
      `gho_${a(40)}`,
      `github_pat_${a(22)}_${a(59)}`,
      `glpat-${a(20)}`,
      `xoxb-123456789012-123456789012-${a(24)}`,
      `sk_live_${a(24)}`,
      `rk_test_${a(24)}`,
      `sk-ant-api03-${a(95)}`,
      `sk-proj-${a(48)}`,
      `npm_${a(36)}`,
      `pypi-${a(80)}`,
      `hvs.${a(24)}`,
      `SG.${a(22)}.${a(43)}`,
      `hf_${a(34)}`,
      `dop_v1_${a(64, '0af9')}`,
      `ya29.${a(100)}`,
      `sk-${a(400)}`,
    ],
    no: [
      'AKIA',
      `AKIA${a(15, 'ABCD2345')}`,
      `AKIA${a(17, 'ABCD2345')}`,
      `akia${a(16, 'ABCD2345')}`,
      'sk-',
      'ask-me-anything-about-it',
      'ghp_short',
      'npm_config_registry',
      '550e8400-e29b-41d4-a716-446655440000',
      a(64, '0af9'),
      'task_live_abc',
      'xoxo-love',
      'AIzaShort',
      `maskghp_${a(36)}`,
      'github_pat_',
    ],
  },
};

describe('detectors', () => {
  for (const [name, { yes, no }] of Object.entries(tables)) {
    it(`${name} finds what it is for, alone and within a text`, () => {
      for (const text of yes) {
        assert.deepEqual(found(name, text), [text]);
        if (!text.startsWith('-----')) assert.deepEqual(found(name, `is: (${text}), é`), [text]);
      }
    });
    it(`${name} finds nothing else`, () => {
      for (const text of no) assert.deepEqual(found(name, text), [], text);
    });
  }

  it('find the value of a setting, not its name', () => {
    const secret = a(40, 'abC/+1');
    assert.deepEqual(found('aws-key', `AWS_SECRET_ACCESS_KEY=${secret}`), [secret]);
    assert.deepEqual(found('aws-key', `"secretAccessKey": "${secret}"`), [secret]);
    const azure = `${a(86)}==`;
    assert.deepEqual(found('azure-key', `AccountName=x;AccountKey=${azure};Endpoint=y`), [azure]);
    assert.deepEqual(found('gcp-key', `"private_key_id": "${a(40, '0af9')}"`), [a(40, '0af9')]);
  });

  it('find a card behind digits that are none', () => {
    assert.deepEqual(found('credit-card', '1 2 4111 1111 1111 1111 9'), ['4111 1111 1111 1111']);
    assert.deepEqual(found('credit-card', '4111111111111111,5555555555554444'), [
      '4111111111111111',
      '5555555555554444',
    ]);
  });

  it('all have a table', () => {
    const families = ['national-id', 'cloud-key'];
    const covered = [...Object.keys(tables), ...families, ...detectorsNamed('cloud-key').map(({ name }) => name)];
    assert.deepEqual(
      detectorNames.filter((name) => !covered.includes(name)),
      [],
    );
  });
});
