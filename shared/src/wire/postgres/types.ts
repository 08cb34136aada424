/** Type bytes of what a client sends. @see PostgreSQL manual 55.7 "Message Formats" */
export const Frontend = {
  Bind: 0x42,
  Close: 0x43,
  CopyData: 0x64,
  CopyDone: 0x63,
  CopyFail: 0x66,
  Describe: 0x44,
  Execute: 0x45,
  Flush: 0x48,
  FunctionCall: 0x46,
  Parse: 0x50,
  /** Also SASLInitialResponse, SASLResponse and GSSResponse: only the state tells them apart. */
  PasswordMessage: 0x70,
  Query: 0x51,
  Sync: 0x53,
  Terminate: 0x58,
} as const;

/** Type bytes of what a server sends. @see PostgreSQL manual 55.7 "Message Formats" */
export const Backend = {
  Authentication: 0x52,
  BackendKeyData: 0x4b,
  BindComplete: 0x32,
  CloseComplete: 0x33,
  CommandComplete: 0x43,
  CopyBothResponse: 0x57,
  CopyData: 0x64,
  CopyDone: 0x63,
  CopyInResponse: 0x47,
  CopyOutResponse: 0x48,
  DataRow: 0x44,
  EmptyQueryResponse: 0x49,
  ErrorResponse: 0x45,
  FunctionCallResponse: 0x56,
  NegotiateProtocolVersion: 0x76,
  NoData: 0x6e,
  NoticeResponse: 0x4e,
  NotificationResponse: 0x41,
  ParameterDescription: 0x74,
  ParameterStatus: 0x53,
  ParseComplete: 0x31,
  PortalSuspended: 0x73,
  ReadyForQuery: 0x5a,
  RowDescription: 0x54,
} as const;

/** Codes that stand where a startup packet has its version. @see PostgreSQL manual 55.7 */
export const StartupCode = { CancelRequest: 80877102, SSLRequest: 80877103, GSSENCRequest: 80877104 } as const;

/** The SQLSTATEs that we send or look for. @see PostgreSQL manual, appendix A */
export const SqlState = {
  successfulCompletion: '00000',
  warning: '01000',
  connectionException: '08000',
  connectionFailure: '08006',
  connectionRejected: '08004',
  protocolViolation: '08P01',
  featureNotSupported: '0A000',
  invalidPassword: '28P01',
  invalidAuthorization: '28000',
  inFailedTransaction: '25P02',
  invalidStatementName: '26000',
  invalidCursorName: '34000',
  invalidCatalogName: '3D000',
  syntaxError: '42601',
  insufficientPrivilege: '42501',
  tooManyConnections: '53300',
  statementTooComplex: '54001',
  programLimitExceeded: '54000',
  queryCanceled: '57014',
  adminShutdown: '57P01',
  cannotConnectNow: '57P03',
  internalError: 'XX000',
} as const;

/** A statement or a portal: what Describe and Close point at. */
export type Named = 'statement' | 'portal';

/** 0 is text, 1 is binary. */
export type Format = 0 | 1;

/** Idle, in a transaction, in a failed transaction. @see PostgreSQL manual 55.7 "ReadyForQuery" */
export type TransactionStatus = 'I' | 'T' | 'E';
