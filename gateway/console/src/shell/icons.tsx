import type { ReactNode } from 'react';

const icon = (paths: ReactNode): ReactNode => (
  <svg
    viewBox="0 0 24 24"
    fill="none"
    stroke="currentColor"
    strokeWidth="1.8"
    strokeLinecap="round"
    strokeLinejoin="round"
    aria-hidden="true"
  >
    {paths}
  </svg>
);

export const icons = {
  overview: icon(<path d="M4 19V9m5 10V5m5 14v-7m5 7V8" />),
  approvals: icon(<path d="M5 12l4 4L19 6M4 20h16" />),
  sessions: icon(<path d="M4 5h16v11H4zM9 20h6M7 9l2 2-2 2m4 0h4" />),
  connections: icon(<path d="M9 7H7a5 5 0 0 0 0 10h2m6-10h2a5 5 0 0 1 0 10h-2M8 12h8" />),
  policy: icon(<path d="M12 3l8 3v6c0 4.5-3.2 7.6-8 9-4.8-1.4-8-4.5-8-9V6z" />),
  agents: icon(<path d="M5 4h14v6H5zM5 14h14v6H5zM8 7h.01M8 17h.01" />),
  audit: icon(<path d="M6 3h9l4 4v14H6zM14 3v5h5M9 13h7M9 17h5" />),
  access: icon(<path d="M14 10a4 4 0 1 0-3.5 4L12 15.500V18h2.500v2.500H18V17l-4-4.200M7.500 10h.01" />),
  theme: icon(<path d="M20 14.500A8 8 0 0 1 9.500 4 8 8 0 1 0 20 14.500z" />),
  leave: icon(<path d="M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9" />),
} as const;
