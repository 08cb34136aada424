import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { type Lease as LeaseMessage, LeaseState as States } from '@sallyport/proto/tunnel/v1/tunnel_pb';
import type { Lease, LeaseState } from './opening.ts';

const states: Readonly<Record<LeaseState, States>> = {
  issued: States.ISSUED,
  renewed: States.RENEWED,
  revoked: States.REVOKED,
  failed: States.FAILED,
  open: States.OPEN,
};

/** What an agent says of a lease, for the tunnel. */
export function leaseMessage({ issuedAt, expiresAt, ...lease }: Lease, state: LeaseState, message = '') {
  return {
    ...lease,
    issuedAt: timestampFromMs(issuedAt),
    ...(expiresAt === undefined ? {} : { expiresAt: timestampFromMs(expiresAt) }),
    state: states[state],
    message,
  };
}

/** Undefined where the state is one that this version does not know. */
export function readLease(told: LeaseMessage): { lease: Lease; state: LeaseState; message: string } | undefined {
  const { id, source, connection, session, username, issuedAt, expiresAt, message } = told;
  const [state] = Object.entries(states).find(([, number]) => number === told.state) ?? [];
  if (state === undefined) return undefined;
  const times = {
    issuedAt: issuedAt === undefined ? 0 : timestampMs(issuedAt),
    expiresAt: expiresAt === undefined ? undefined : timestampMs(expiresAt),
  };
  return { lease: { id, source, connection, session, username, ...times }, state: state as LeaseState, message };
}
