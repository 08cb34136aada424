import type { Action } from '@sallyport/shared/access/action.ts';
import type { ChannelRequest } from '@sallyport/shared/wire/ssh/frames.ts';

/** Kinds of actions on SSH connections. */
export const sshKinds = ['ssh.exec', 'ssh.shell', 'ssh.subsystem', 'ssh.forward'] as const;

/** What a channel is asked for, for rules. */
export function actionOf(request: ChannelRequest): Action {
  switch (request.request) {
    case 'exec':
      return { kind: 'ssh.exec', ...unread, text: request.command, pty: request.pty !== undefined };
    case 'shell':
      return { kind: 'ssh.shell', verb: 'shell', effects: ['shell', 'unknown'], pty: request.pty !== undefined };
    case 'subsystem':
      return { kind: 'ssh.subsystem', ...unread, text: request.name, pty: request.pty !== undefined };
    case 'direct-tcpip':
      return {
        kind: 'ssh.forward',
        verb: 'forward',
        effects: ['forward'],
        text: `${request.host}:${request.port}`,
        pty: false,
      };
  }
}

const unread = { verb: 'unknown', effects: ['unknown'] } as const;
