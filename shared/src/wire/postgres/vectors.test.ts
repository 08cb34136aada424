import * as backend from './backend.ts';
import * as frontend from './frontend.ts';
import * as startup from './startup.ts';
import { Frontend } from './types.ts';

export type Decoder = (buffer: Buffer, start: number, end: number) => unknown;

/** A message as the manual lays it out, what we write for it, how it is read, and what is read. */
export interface Vector {
  readonly name: string;
  /** Written by hand from the manual, not by our encoder. */
  readonly hex: string;
  readonly encoded: Buffer;
  readonly decode: Decoder;
  readonly value: unknown;
}

const bare =
  (type: number): Decoder =>
  (buffer, start, end) =>
    frontend.decodeBare(type, buffer, start, end);
const b = (text: string) => Buffer.from(text);

/** Every message that a client sends. */
export const frontendVectors: readonly Vector[] = [
  vector('Query', '51 00000009 53 20 c3a4 00', frontend.query('S ä'), frontend.decodeQuery, 'S ä'),
  vector(
    'Parse',
    '50 00000013 7300 5131 00 0002 00000017 fffffffe',
    frontend.parse('s', 'Q1', [23, 0xffff_fffe]),
    frontend.decodeParse,
    { statement: 's', text: 'Q1', parameterTypes: [23, 0xffff_fffe] },
  ),
  vector(
    'Bind',
    '42 0000001e 7000 7300 0001 0001 0003 ffffffff 00000000 00000002 0102 0000',
    frontend.bind({
      portal: 'p',
      statement: 's',
      parameterFormats: [1],
      parameters: [null, Buffer.alloc(0), Buffer.of(1, 2)],
    }),
    frontend.decodeBind,
    {
      portal: 'p',
      statement: 's',
      parameterFormats: [1],
      parameters: [null, Buffer.alloc(0), Buffer.of(1, 2)],
      resultFormats: [],
    },
  ),
  vector('Execute', '45 0000000a 7000 00000007', frontend.execute('p', 7), frontend.decodeExecute, {
    portal: 'p',
    maxRows: 7,
  }),
  vector('Describe', '44 00000007 50 7000', frontend.describe('portal', 'p'), frontend.decodeDescribe, {
    kind: 'portal',
    name: 'p',
  }),
  vector('Close', '43 00000006 53 00', frontend.close('statement'), frontend.decodeClose, {
    kind: 'statement',
    name: '',
  }),
  vector(
    'PasswordMessage',
    '70 00000007 7077 00',
    frontend.passwordMessage('pw'),
    frontend.decodePasswordMessage,
    'pw',
  ),
  vector(
    'SASLInitialResponse',
    '70 0000000c 4d00 00000002 6e2c',
    frontend.saslInitialResponse('M', b('n,')),
    frontend.decodeSASLInitialResponse,
    { mechanism: 'M', data: b('n,') },
  ),
  vector('SASLResponse', '70 00000006 633d', frontend.saslResponse(b('c=')), frontend.decodeSASLResponse, b('c=')),
  vector('CopyFail', '66 00000007 6e6f 00', frontend.copyFail('no'), frontend.decodeCopyFail, 'no'),
  vector('CopyDone', '63 00000004', frontend.copyDone(), bare(Frontend.CopyDone), undefined),
  vector('Flush', '48 00000004', frontend.flush(), bare(Frontend.Flush), undefined),
  vector('Sync', '53 00000004', frontend.sync(), bare(Frontend.Sync), undefined),
  vector('Terminate', '58 00000004', frontend.terminate(), bare(Frontend.Terminate), undefined),
  vector(
    'FunctionCall',
    '46 00000013 00000007 0000 0001 00000001 61 0000',
    frontend.functionCall(7, [b('a')]),
    frontend.decodeFunctionCall,
    { functionOid: 7 },
  ),
];

const field = {
  name: 'n',
  tableOid: 0xffff_fff0,
  columnNumber: 3,
  typeOid: 25,
  typeLength: -1,
  typeModifier: -1,
  format: 1,
} as const;
const auth = backend.decodeAuthentication;

/** Every message that a server sends and that carries something. */
export const backendVectors: readonly Vector[] = [
  vector('AuthenticationOk', '52 00000008 00000000', backend.authenticationOk(), auth, { kind: 'Ok' }),
  vector('AuthenticationCleartextPassword', '52 00000008 00000003', backend.authenticationCleartextPassword(), auth, {
    kind: 'CleartextPassword',
  }),
  vector(
    'AuthenticationMD5Password',
    '52 0000000c 00000005 01020304',
    backend.authenticationMD5Password(Buffer.of(1, 2, 3, 4)),
    auth,
    { kind: 'MD5Password', salt: Buffer.of(1, 2, 3, 4) },
  ),
  vector('AuthenticationSASL', '52 0000000d 0000000a 4100 4200 00', backend.authenticationSASL(['A', 'B']), auth, {
    kind: 'SASL',
    mechanisms: ['A', 'B'],
  }),
  vector('AuthenticationSASLContinue', '52 0000000a 0000000b 723d', backend.authenticationSASLContinue(b('r=')), auth, {
    kind: 'SASLContinue',
    data: b('r='),
  }),
  vector('AuthenticationSASLFinal', '52 0000000a 0000000c 763d', backend.authenticationSASLFinal(b('v=')), auth, {
    kind: 'SASLFinal',
    data: b('v='),
  }),
  vector(
    'RowDescription',
    '54 0000001a 0001 6e00 fffffff0 0003 00000019 ffff ffffffff 0001',
    backend.rowDescription([field]),
    backend.decodeRowDescription,
    [field],
  ),
  vector(
    'DataRow',
    '44 00000014 0003 00000002 6869 ffffffff 00000000',
    backend.dataRow([b('hi'), null, Buffer.alloc(0)]),
    backend.decodeDataRow,
    [b('hi'), null, Buffer.alloc(0)],
  ),
  vector(
    'ErrorResponse',
    '45 00000021 53 4552524f5200 56 4552524f5200 43 343235303100 4d 6e6f00 48 6900 00',
    backend.errorResponse({ severity: 'ERROR', code: '42501', message: 'no', hint: 'i' }),
    backend.decodeFields,
    { S: 'ERROR', V: 'ERROR', C: '42501', M: 'no', H: 'i' },
  ),
  vector(
    'NoticeResponse',
    '4e 00000018 53 4c4f4700 56 4c4f4700 43 303030303000 4d 00 00',
    backend.noticeResponse({ severity: 'LOG', code: '00000', message: '' }),
    backend.decodeFields,
    { S: 'LOG', V: 'LOG', C: '00000', M: '' },
  ),
  vector('ReadyForQuery', '5a 00000005 54', backend.readyForQuery('T'), backend.decodeReadyForQuery, 'T'),
  vector('CommandComplete', '43 00000007 4f4b 00', backend.commandComplete('OK'), backend.decodeCommandComplete, 'OK'),
  vector('ParameterStatus', '53 00000008 6100 6200', backend.parameterStatus('a', 'b'), backend.decodeParameterStatus, {
    name: 'a',
    value: 'b',
  }),
  vector(
    'ParameterDescription',
    '74 0000000a 0001 fffffffe',
    backend.parameterDescription([0xffff_fffe]),
    backend.decodeParameterDescription,
    [0xffff_fffe],
  ),
  vector(
    'BackendKeyData',
    '4b 0000000c fffffffb 09080706',
    backend.backendKeyData(-5, Buffer.of(9, 8, 7, 6)),
    backend.decodeBackendKeyData,
    { processId: -5, secretKey: Buffer.of(9, 8, 7, 6) },
  ),
  vector(
    'NotificationResponse',
    '41 0000000c 00000009 6300 7000',
    backend.notificationResponse(9, 'c', 'p'),
    backend.decodeNotificationResponse,
    { processId: 9, channel: 'c', payload: 'p' },
  ),
  ...(['In', 'Out', 'Both'] as const).map((kind, index) =>
    vector(
      `Copy${kind}Response`,
      `${['47', '48', '57'][index]} 0000000b 00 0002 0000 0001`,
      [backend.copyInResponse, backend.copyOutResponse, backend.copyBothResponse][index]!(0, [0, 1]),
      backend.decodeCopyResponse,
      { kind: kind.toLowerCase(), format: 0, columnFormats: [0, 1] },
    ),
  ),
  vector(
    'NegotiateProtocolVersion',
    '76 00000013 00030002 00000001 5f70715f2e7800',
    startup.negotiateProtocolVersion(2, ['_pq_.x']),
    startup.decodeNegotiateProtocolVersion,
    { newestMinor: 2, unrecognized: ['_pq_.x'] },
  ),
];

function vector(name: string, hex: string, encoded: Buffer, decode: Decoder, value: unknown): Vector {
  return { name, hex: hex.replaceAll(' ', ''), encoded, decode, value };
}
