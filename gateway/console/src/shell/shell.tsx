import { type ReactNode, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { usePending } from '../api/approvals.ts';
import { icons } from './icons.tsx';
import mark from './mark.svg';
import { useMe } from './me.ts';
import { switchTheme, themeNow } from './theme.ts';

interface Place {
  readonly path: string;
  readonly name: string;
  readonly icon: keyof typeof icons;
  /** Shown to auditors and administrators only. */
  readonly forReaders?: true;
}

const places: readonly Place[] = [
  { path: '/', name: 'Overview', icon: 'overview' },
  { path: '/approvals', name: 'Approvals', icon: 'approvals' },
  { path: '/sessions', name: 'Sessions', icon: 'sessions' },
  { path: '/connections', name: 'Connections', icon: 'connections' },
  { path: '/policy', name: 'Policy', icon: 'policy', forReaders: true },
  { path: '/agents', name: 'Agents', icon: 'agents', forReaders: true },
  { path: '/audit', name: 'Audit', icon: 'audit', forReaders: true },
  { path: '/access', name: 'My access', icon: 'access' },
];

export function Shell({ children, onLeave }: { readonly children: ReactNode; readonly onLeave: () => void }) {
  const me = useMe();
  const [here] = useLocation();
  const [theme, setTheme] = useState(themeNow());
  const waiting = usePending().filter(({ mayDecide }) => mayDecide).length;
  const isHere = (path: string): boolean => (path === '/' ? here === '/' : here.startsWith(path));
  return (
    <div className="shell">
      <aside className="side">
        <Link href="/" className="brand">
          <img src={mark} alt="" />
          Sallyport
        </Link>
        <nav className="nav" aria-label="Places">
          {places
            .filter(({ forReaders }) => forReaders !== true || me.isReader)
            .map(({ path, name, icon }) => (
              <Link key={path} href={path} aria-current={isHere(path) ? 'page' : undefined}>
                {icons[icon]}
                {name}
                {path === '/approvals' && waiting > 0 && (
                  <span className="count">
                    {waiting}
                    <span className="visually-hidden"> waiting for you</span>
                  </span>
                )}
              </Link>
            ))}
        </nav>
        <div className="who">
          <span className="name" title={me.groups.join(', ')}>
            {me.name}
          </span>
          <button
            type="button"
            className="quiet"
            aria-label={theme === 'dark' ? 'Light colours' : 'Dark colours'}
            onClick={() => {
              switchTheme();
              setTheme(themeNow());
            }}
          >
            <span className="icon">{icons.theme}</span>
          </button>
          <button type="button" className="quiet" aria-label="Sign out" onClick={onLeave}>
            <span className="icon">{icons.leave}</span>
          </button>
        </div>
      </aside>
      <main className="main">{children}</main>
    </div>
  );
}
