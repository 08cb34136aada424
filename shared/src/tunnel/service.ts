import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { ChannelOptions, handleBidiStreamingCall, handleUnaryCall, ServiceDefinition } from '@grpc/grpc-js';
import {
  type EnrolRequest,
  EnrolRequestSchema,
  type EnrolResponse,
  EnrolResponseSchema,
} from '@sallyport/proto/tunnel/v1/tunnel_pb';

/** HTTP/2 window of the tunnel in each direction. */
export const windowBytes = 1024 * 1024;
/** The certificate's name that every agent asks for, whatever address it dials. */
export const tunnelServerName = 'sallyport-gateway';

export interface TunnelHandlers {
  enrol: handleUnaryCall<EnrolRequest, EnrolResponse>;
  connect: handleBidiStreamingCall<Buffer, Buffer>;
  [name: string]: handleUnaryCall<EnrolRequest, EnrolResponse> | handleBidiStreamingCall<Buffer, Buffer>;
}

const asItIs = (bytes: Buffer): Buffer => bytes;

/** `sallyport.tunnel.v1.TunnelService` for grpc-js; packets pass as bytes, since they are read by hand. */
export const tunnelService = {
  enrol: {
    path: '/sallyport.tunnel.v1.TunnelService/Enrol',
    requestStream: false,
    responseStream: false,
    requestSerialize: (message: EnrolRequest) => Buffer.from(toBinary(EnrolRequestSchema, message)),
    requestDeserialize: (bytes: Buffer) => fromBinary(EnrolRequestSchema, bytes),
    responseSerialize: (message: EnrolResponse) => Buffer.from(toBinary(EnrolResponseSchema, message)),
    responseDeserialize: (bytes: Buffer) => fromBinary(EnrolResponseSchema, bytes),
  },
  connect: {
    path: '/sallyport.tunnel.v1.TunnelService/Connect',
    requestStream: true,
    responseStream: true,
    requestSerialize: asItIs,
    requestDeserialize: asItIs,
    responseSerialize: asItIs,
    responseDeserialize: asItIs,
  },
} satisfies ServiceDefinition;

/** How soon a peer that fell silent is noticed: the sum of both, in milliseconds. */
export interface Keepalive {
  readonly timeMs: number;
  readonly timeoutMs: number;
}

export const defaultKeepalive: Keepalive = { timeMs: 5_000, timeoutMs: 3_000 };

/** Options that both ends of the tunnel share. */
export function channelOptions(keepalive: Keepalive): ChannelOptions {
  return {
    'grpc-node.flow_control_window': windowBytes,
    'grpc.per_rpc_retry_buffer_size': 0,
    'grpc.enable_retries': 0,
    'grpc.max_receive_message_length': windowBytes,
    'grpc.max_send_message_length': windowBytes,
    'grpc.keepalive_time_ms': keepalive.timeMs,
    'grpc.keepalive_timeout_ms': keepalive.timeoutMs,
    'grpc.keepalive_permit_without_calls': 1,
  };
}
