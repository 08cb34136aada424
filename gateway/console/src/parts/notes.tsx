import type { ReactNode } from 'react';
import type { Problem } from '../api/problem.ts';

export function ErrorNote({ problem }: { readonly problem: Problem }) {
  return (
    <div className="error" role="alert">
      <p>{problem.message}</p>
      {problem.hint !== undefined && <p className="small">{problem.hint}</p>}
    </div>
  );
}

/** Nothing to show, and what to do about it. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className="empty">
      <strong>{title}</strong>
      {children !== undefined && <span>{children}</span>}
    </div>
  );
}

export function Loading() {
  return (
    <div className="empty" role="status">
      <span className="spinner" />
      <span className="visually-hidden">Loading</span>
    </div>
  );
}
