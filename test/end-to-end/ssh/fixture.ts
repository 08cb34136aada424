import { freePort } from '../../harness/postgres.ts';
import { SshClients, type SshResult } from '../../harness/ssh.ts';
import { TestSshd } from '../../harness/sshd.ts';
import { Stack, type StackOptions } from '../../harness/stack.ts';

type Who = 'alice' | 'dana';

const access = `
kind: User
name: alice
spec: { groups: [engineering], password: alice-has-a-password }
---
kind: User
name: dana
spec: { groups: [ops, approvers] }
---
kind: User
name: eve
spec: { groups: [] }
---
kind: Rule
name: everything
spec: { who: { groups: [engineering, ops] }, then: allow }
---
kind: Rule
name: no-forbidden-words
spec: { who: { any: true }, when: 'action.text.contains("forbidden")', then: deny, reason: this word is not spoken here }
---
kind: Rule
name: ask-first
spec:
  who: { groups: [engineering] }
  when: 'action.kind == "ssh.exec" && action.text.contains("risky")'
  then: approve
  approvers: { groups: [ops], timeout: 30s }
---
kind: Rule
name: no-forwarding
spec: { who: { any: true }, actions: [ssh.forward], when: '!action.text.startsWith("127.0.0.1:")', then: deny }
---
kind: Mask
name: secrets
spec: { connections: { names: [host] }, detect: [credit-card], except: { groups: [ops] } }
`;

/** A gateway with an SSH port, an agent, and a real sshd behind it. */
export class SshFixture {
  readonly sshd: TestSshd;
  readonly stack: Stack;
  readonly clients: SshClients;
  readonly tokens: Readonly<Record<Who | 'eve', string>>;

  private constructor(sshd: TestSshd, stack: Stack, clients: SshClients, tokens: SshFixture['tokens']) {
    this.sshd = sshd;
    this.stack = stack;
    this.clients = clients;
    this.tokens = tokens;
  }

  static async start(options: StackOptions = {}): Promise<SshFixture> {
    const sshd = await TestSshd.start();
    const port = await freePort();
    try {
      const stack = await Stack.start({ listen: { ssh: port }, secrets: { SSH_KEY: sshd.privateKey }, ...options });
      await stack.apply(`${access}---${sshd.connection('host')}---${sshd.connection('plain')}`);
      const tokens = {
        alice: await stack.token('alice'),
        dana: await stack.token('dana'),
        eve: await stack.token('eve'),
      };
      const known = await (await fetch(`http://127.0.0.1:${stack.ports.web}/.well-known/ssh-known-hosts`)).text();
      return new SshFixture(sshd, stack, new SshClients(port, known), tokens);
    } catch (error) {
      await sshd.stop();
      throw error;
    }
  }

  /** `ssh CONNECTION@gateway …` as somebody. */
  ssh(who: Who | 'eve', args: readonly string[], input: string | Buffer = '', connection = 'host'): Promise<SshResult> {
    return this.clients.run(this.tokens[who], [`${connection}@127.0.0.1`, ...args], { input });
  }

  /** The first approval that waits; asked for until there is one. */
  async pendingApproval(): Promise<string> {
    for (const until = Date.now() + 10_000; Date.now() < until; ) {
      const { approvals = [] } = await this.stack.call<{ approvals?: { id: string }[] }>(
        'ApprovalService/ListApprovals',
        {
          state: 'APPROVAL_STATE_PENDING',
        },
      );
      const [first] = approvals;
      if (first !== undefined) return first.id;
      await new Promise((again) => setTimeout(again, 25));
    }
    throw new Error('nobody was asked');
  }

  async stop(): Promise<void> {
    this.clients.remove();
    await this.stack.stop();
    await this.sshd.stop();
  }
}
