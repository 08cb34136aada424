import type { UseQueryResult } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { problemOf } from '../api/problem.ts';
import { ErrorNote, Loading } from './notes.tsx';

interface PageProps {
  readonly title: string;
  readonly about?: string;
  readonly crumb?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

export function Page({ title, about, crumb, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Sallyport`;
  }, [title]);
  return (
    <>
      <header className="head">
        <div>
          {crumb !== undefined && <div className="crumb">{crumb}</div>}
          <h1>{title}</h1>
        </div>
        {actions !== undefined && <div className="actions">{actions}</div>}
        {about !== undefined && <p>{about}</p>}
      </header>
      {children}
    </>
  );
}

/** What a query gave, or that it waits, or why it failed. */
export function Found<T>({
  query,
  children,
}: {
  readonly query: UseQueryResult<T>;
  readonly children: (data: T) => ReactNode;
}) {
  if (query.data !== undefined) return children(query.data);
  return query.error === null ? <Loading /> : <ErrorNote problem={problemOf(query.error)} />;
}
