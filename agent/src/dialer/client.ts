import { type Client, type ClientDuplexStream, credentials, makeGenericClientConstructor } from '@grpc/grpc-js';
import type { EnrolRequest, EnrolResponse } from '@sallyport/proto/tunnel/v1/tunnel_pb';
import { channelOptions, type Keepalive, tunnelServerName, tunnelService } from '@sallyport/shared/tunnel/service.ts';
import { type GatewayAddress, spoken } from './address.ts';

/** The tunnel's service as a client sees it. */
export interface TunnelClient extends Client {
  enrol(
    request: EnrolRequest,
    /** Milliseconds since the epoch. */
    options: { readonly deadline: number },
    callback: (error: Error | null, response?: EnrolResponse) => void,
  ): void;
  connect(): ClientDuplexStream<Buffer, Buffer>;
}

const Constructor = makeGenericClientConstructor(tunnelService, 'sallyport.tunnel.v1.TunnelService');

/** A channel that trusts one CA and one name, whatever address it dials. */
export function tunnelClient(address: GatewayAddress, ca: string, keepalive: Keepalive): TunnelClient {
  return new Constructor(spoken(address), credentials.createSsl(Buffer.from(ca)), {
    ...channelOptions(keepalive),
    'grpc.ssl_target_name_override': tunnelServerName,
    'grpc.default_authority': tunnelServerName,
    // Several tunnels of one process must not share a connection.
    'grpc.use_local_subchannel_pool': 1,
    // Reconnecting is the dialer's, with its own patience.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
  }) as unknown as TunnelClient;
}
