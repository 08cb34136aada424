import type { Resource } from '@sallyport/proto/api/v1/resources_pb';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client.ts';
import { Badge, type Tone } from '../parts/badge.tsx';
import { Empty } from '../parts/notes.tsx';
import { Found, Page } from '../parts/page.tsx';
import { Scroll } from '../parts/scroll.tsx';
import { When } from '../parts/when.tsx';

const tones: Readonly<Record<string, Tone>> = { allow: 'good', approve: 'warn', deny: 'bad' };
/** As they are weighed. */
const weight = ['deny', 'approve', 'allow'];

type Spec = Readonly<Record<string, unknown>>;

export function Policy() {
  const found = useQuery({ queryKey: ['resources'], queryFn: () => api.resources.listResources({}) });
  return (
    <Page
      title="Policy"
      about="Deny goes over approve, approve over allow; what nothing allows is denied. Resources are changed with sallyport apply."
    >
      <Found query={found}>
        {({ resources }) => (
          <>
            <Rules rules={resources.filter(({ kind }) => kind === 'Rule')} />
            <Masks masks={resources.filter(({ kind }) => kind === 'Mask')} />
          </>
        )}
      </Found>
    </Page>
  );
}

function Rules({ rules }: { readonly rules: readonly Resource[] }) {
  const sorted = [...rules].sort((a, b) => weight.indexOf(then(a)) - weight.indexOf(then(b)));
  return (
    <section className="panel flush">
      <Scroll label="Rules">
        {sorted.length === 0 ? (
          <Empty title="No rules">Without a rule that allows it, nothing is open to anybody.</Empty>
        ) : (
          <table>
            <thead>
              <tr>
                <th>Rule</th>
                <th>Then</th>
                <th>Who</th>
                <th>Connections</th>
                <th>When</th>
                <th>Changed</th>
              </tr>
            </thead>
            <tbody>
              {sorted.map((rule) => {
                const { actions, when, limit } = rule.spec as { actions?: string[]; when?: string; limit?: Spec };
                return (
                  <tr key={rule.name}>
                    <td>{rule.name}</td>
                    <td>
                      <Badge tone={tones[then(rule)] ?? 'plain'}>{then(rule)}</Badge>
                    </td>
                    <td>{scope(rule.spec?.['who'])}</td>
                    <td>{scope(rule.spec?.['connections']) || 'all'}</td>
                    <td>
                      {actions !== undefined && <div>{actions.join(', ')}</div>}
                      {when !== undefined && <code>{when}</code>}
                      {limit !== undefined && <div className="small dim">limit {scope(limit)}</div>}
                      {actions === undefined && when === undefined && <span className="dim">always</span>}
                    </td>
                    <td className="dim">
                      <When at={rule.updatedAt} />
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        )}
      </Scroll>
    </section>
  );
}

function Masks({ masks }: { readonly masks: readonly Resource[] }) {
  return (
    <section className="panel flush">
      <Scroll label="Masks">
        {masks.length === 0 ? (
          <Empty title="No masks">Every value is shown as it is.</Empty>
        ) : (
          <table>
            <thead>
              <tr>
                <th>Mask</th>
                <th>Shown as</th>
                <th>Columns</th>
                <th>Detectors</th>
                <th>Connections</th>
                <th>Not for</th>
              </tr>
            </thead>
            <tbody>
              {masks.map(({ name, spec }) => (
                <tr key={name}>
                  <td>{name}</td>
                  <td>{String(spec?.['as'] ?? 'redact')}</td>
                  <td>
                    <code>{list(spec?.['columns'])}</code>
                  </td>
                  <td>{list(spec?.['detect'])}</td>
                  <td>{scope(spec?.['connections']) || 'all'}</td>
                  <td>{scope(spec?.['except']) || '–'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Scroll>
    </section>
  );
}

const then = ({ spec }: Resource): string => String(spec?.['then'] ?? '');
const list = (value: unknown): string => (Array.isArray(value) ? value.join(', ') : '');

/** `groups: dba, admins · labels: env=prod`. */
function scope(value: unknown): string {
  if (typeof value !== 'object' || value === null) return '';
  return Object.entries(value)
    .map(([key, inner]) => {
      if (inner === true) return key === 'any' ? 'everybody' : key;
      if (Array.isArray(inner)) return `${key}: ${inner.join(', ')}`;
      if (typeof inner !== 'object' || inner === null) return `${key}: ${String(inner)}`;
      return `${key}: ${Object.entries(inner)
        .map(([name, text]) => `${name}=${String(text)}`)
        .join(', ')}`;
    })
    .join(' · ');
}
