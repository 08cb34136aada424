/** What is private in ssh2 1.17.0 and of use here; tests with real clients and servers show that it still works. */
export interface PrivateProtocol {
  readonly _packetRW: {
    readonly write: {
      readonly allocStart: number;
      alloc(size: number): Buffer;
      finalize(packet: Buffer): Buffer;
    };
  };
  readonly _cipher: { encrypt(packet: Buffer): void };
  readonly _kex: { readonly sessionID: Buffer };
  /** Names of the methods that were tried and not answered yet. */
  readonly _authsQueue: string[];
  /** Set while keys are exchanged: nothing else may be sent then. */
  readonly _kexinit: unknown;
}

/** The protocol of a connection of ssh2's. */
export const protocolOf = (connection: object): PrivateProtocol =>
  (connection as { readonly _protocol: PrivateProtocol })._protocol;

/** Sends a packet that the library has no method for. False where keys are exchanged right now: nothing was sent. */
export function sendPacket(protocol: PrivateProtocol, payload: Buffer): boolean {
  if (protocol._kexinit !== undefined) return false;
  const { write } = protocol._packetRW;
  const packet = write.alloc(payload.length);
  payload.copy(packet, write.allocStart);
  protocol._cipher.encrypt(write.finalize(packet));
  return true;
}
