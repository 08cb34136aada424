import type { ReactNode } from 'react';

/** A region that may be wider than the page: reached and moved by keyboard too. */
export function Scroll({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: whoever has no mouse scrolls it with the keys
    <section className="scroll" tabIndex={0} aria-label={label}>
      {children}
    </section>
  );
}
