import { WireError } from '@sallyport/shared/errors/errors.ts';

/** A mask applies and what it is for cannot be found: nothing is shown then. */
export const unreadable = (why: string): WireError =>
  new WireError('ERR_WIRE_UNSUPPORTED', `A mask applies to you here, and the target's answer cannot be read: ${why}.`);
