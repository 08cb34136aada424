import type { Connection } from '@sallyport/proto/api/v1/connections_pb';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { Badge } from '../parts/badge.tsx';
import { Copyable } from '../parts/copyable.tsx';
import { MyRequests } from '../parts/my-requests.tsx';
import { Empty } from '../parts/notes.tsx';
import { Found, Page } from '../parts/page.tsx';
import { RequestAccess } from '../parts/request-access.tsx';

export function Connections() {
  const found = useQuery({ queryKey: ['connections'], queryFn: () => api.connections.listConnections({}) });
  const [words, setWords] = useState('');
  return (
    <Page
      title="Connections"
      about="What you may reach, and the line that reaches it. The password is a token: see My access."
    >
      <input
        type="search"
        placeholder="Name or label"
        aria-label="Search"
        value={words}
        onChange={({ target }) => setWords(target.value)}
      />
      <Found query={found}>
        {({ connections }) => {
          const shown = connections.filter((one) => textOf(one).includes(words.toLowerCase()));
          if (shown.length > 0)
            return (
              <div className="columns">
                {shown.map((one) => (
                  <Card key={one.name} connection={one} />
                ))}
              </div>
            );
          return connections.length === 0 ? (
            <Empty title="No connection is open to you">
              An administrator writes a rule that names you or one of your groups.
            </Empty>
          ) : (
            <Empty title="None of that name" />
          );
        }}
      </Found>
      <MyRequests />
    </Page>
  );
}

const textOf = ({ name, labels }: Connection): string =>
  [name, ...Object.entries(labels).map(([key, value]) => `${key}=${value}`)].join(' ').toLowerCase();

function Card({ connection }: { readonly connection: Connection }) {
  const { name, protocol, labels, online, needsApproval, command, access } = connection;
  return (
    <section className="panel">
      <div className="row">
        <h2>{name}</h2>
        <Badge tone={online ? 'good' : 'bad'}>{online ? 'up' : 'its agent is away'}</Badge>
        {needsApproval && <Badge tone="warn">needs approval</Badge>}
      </div>
      <div className="row small dim">
        <span>{protocol}</span>
        {Object.entries(labels).map(([key, value]) => (
          <Badge key={key}>
            {key}={value}
          </Badge>
        ))}
      </div>
      {access !== undefined && <RequestAccess connection={name} offer={access} />}
      <Copyable text={command} label={`the line for ${name}`} />
      <p className="small dim">
        Or <code>sallyport connect {name} --exec</code>
      </p>
    </section>
  );
}
