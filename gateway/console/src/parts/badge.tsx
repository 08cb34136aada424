import type { ReactNode } from 'react';

export type Tone = 'good' | 'warn' | 'bad' | 'plain';

export function Badge({ tone = 'plain', children }: { readonly tone?: Tone; readonly children: ReactNode }) {
  return <span className={tone === 'plain' ? 'badge' : `badge ${tone}`}>{children}</span>;
}
