import { Backend } from '@sallyport/shared/wire/postgres/types.ts';

/** A FunctionCallResponse with NULL: nobody can tell where a function that is called by its OID has its result from. */
export function hiddenFunctionResult(): Buffer {
  return Buffer.from([Backend.FunctionCallResponse, 0, 0, 0, 8, 0xff, 0xff, 0xff, 0xff]);
}
