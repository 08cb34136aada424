/** Stable codes of what can go wrong through somebody's fault but ours; `switch (error.code)` narrows. */
export type ErrorCode =
  | 'ERR_WIRE_MALFORMED'
  | 'ERR_WIRE_TOO_LARGE'
  | 'ERR_WIRE_UNEXPECTED'
  | 'ERR_WIRE_UNSUPPORTED'
  | 'ERR_AGENT_UNAVAILABLE'
  | 'ERR_TARGET_UNREACHABLE'
  | 'ERR_TARGET_AUTH'
  | 'ERR_CREDENTIAL_UNRESOLVED'
  | 'ERR_JOURNAL_UNAVAILABLE'
  | 'ERR_RECORDING_UNAVAILABLE'
  | 'ERR_RECORDING_DAMAGED'
  | 'ERR_STORE_UNAVAILABLE'
  | 'ERR_SECRETS_UNAVAILABLE'
  | 'ERR_NATS_UNAVAILABLE'
  | 'ERR_IDENTITY_UNAVAILABLE'
  | 'ERR_APPROVALS_UNAVAILABLE'
  | 'ERR_CONFIG_INVALID'
  | 'ERR_RESOURCE_INVALID';

abstract class CodedError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** Somebody broke a wire protocol. Carries where, and the section of the specification that says otherwise. */
export class WireError extends CodedError {
  readonly offsetBytes: number | undefined;
  readonly see: string | undefined;

  constructor(
    code: Extract<ErrorCode, `ERR_WIRE_${string}`>,
    message: string,
    where: { offsetBytes?: number; see?: string; cause?: unknown } = {},
  ) {
    super(code, message, { cause: where.cause });
    this.offsetBytes = where.offsetBytes;
    this.see = where.see;
  }
}

/** Something that we depend on is down; `part` names it for the person who reads the message. */
export class Unavailable extends CodedError {
  readonly part: string;

  constructor(part: string, code: ErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.part = part;
  }
}

/** A file that a person wrote is wrong: which file, which line (1-based), and what to write instead. */
export class ConfigError extends CodedError {
  readonly file: string;
  readonly line: number | undefined;

  constructor(file: string, line: number | undefined, message: string, code: ErrorCode = 'ERR_CONFIG_INVALID') {
    super(code, `${file}${line === undefined ? '' : `:${line}`}: ${message}`);
    this.file = file;
    this.line = line;
  }
}
