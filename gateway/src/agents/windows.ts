import type { Http2Server, ServerHttp2Session } from 'node:http2';
import type { Server } from '@grpc/grpc-js';

/** What is private in grpc-js 1.14.7 and of use here; `windows.test.ts` measures that it still works. */
interface PrivateServer {
  commonServerOptions: { settings?: Record<string, unknown> };
  createHttp2Server(credentials: unknown): Http2Server;
}

/**
 * Gives a server the HTTP/2 windows that its options cannot: `grpc-node.flow_control_window` is read by clients only,
 * and the default of 64 KiB costs a factor of four. Call before `bindAsync`.
 */
export function widenWindows(server: Server, windowBytes: number): void {
  const inner = server as unknown as PrivateServer;
  inner.commonServerOptions.settings = { ...inner.commonServerOptions.settings, initialWindowSize: windowBytes };
  const make = inner.createHttp2Server.bind(server);
  inner.createHttp2Server = (credentials) => {
    const http2 = make(credentials);
    http2.on('session', (session: ServerHttp2Session) => session.setLocalWindowSize(windowBytes));
    return http2;
  };
}
