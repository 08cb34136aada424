import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { PolicyService } from '@sallyport/proto/api/v1/policy_pb';
import { type Document, Outcome } from '@sallyport/proto/api/v1/resources_pb';
import type { Change, SimulationReport } from '../../policy/simulation.ts';
import type { PolicyPort } from '../ports/policy.ts';
import { invalid, notFound } from '../problems.ts';
import type { Streams } from '../streams.ts';
import { optional, required } from './fields.ts';

const MAX_DOCUMENTS = 1000;
const MAX_TEXT = 1024 * 1024;
const MAX_GROUPS = 256;
const outcomes = { created: Outcome.CREATED, updated: Outcome.UPDATED, unchanged: Outcome.UNCHANGED } as const;

export function policyService(port: PolicyPort, streams: Streams): ServiceImpl<typeof PolicyService> {
  return {
    async checkPolicy({ documents }) {
      const { outcomes: applied, findings } = await port.check(documentsOf(documents));
      return {
        resources: applied.map(({ kind, name, outcome }) => ({ kind, name, outcome: outcomes[outcome] })),
        findings: [...findings],
      };
    },
    async *simulatePolicy({ documents, deletions, since, connection, principal }, context) {
      const order = {
        documents: documentsOf(documents),
        deletions: deletions.slice(0, MAX_DOCUMENTS).map((one) => required('the resource', one, 512)),
        since: since && timestampMs(since),
        connection: optional('the connection', connection),
        principal: optional('the principal', principal, 512),
      };
      if (order.documents.length + order.deletions.length === 0) throw invalid('nothing would change: send documents');
      for await (const news of streams.serve(context, (signal) => port.simulate(order, signal))) {
        yield 'report' in news
          ? { kind: { case: 'report' as const, value: { ...reported(news.report), guessed: BigInt(news.guessed) } } }
          : { kind: { case: 'progress' as const, value: { read: BigInt(news.read), total: BigInt(news.total) } } };
      }
    },
    async explainPolicy({ principal, groups, connection, text, documents }) {
      const found = await port.explain({
        principal: required('the principal', principal, 512),
        groups: groups.length === 0 ? undefined : groups.slice(0, MAX_GROUPS),
        connection: required('the connection', connection),
        text: optional('the text', text, MAX_TEXT) ?? '',
        documents: documentsOf(documents),
      });
      if (found === undefined) throw notFound('connection', connection);
      const { verdict, verb, effects, tables, opinions } = found;
      return {
        outcome: verdict.outcome,
        rule: verdict.rule ?? '',
        reason: verdict.outcome === 'deny' ? verdict.reason : '',
        verb,
        effects: [...effects],
        tables: [...tables],
        groups: [...found.groups],
        rules: opinions.map(({ rule, then, because }) => ({
          rule,
          then,
          matches: because === undefined,
          because: because ?? '',
        })),
      };
    },
  };
}

function documentsOf(documents: readonly Document[]) {
  if (documents.length > MAX_DOCUMENTS) throw invalid(`more than ${MAX_DOCUMENTS} documents`);
  return documents.map(({ file, text }) => ({ file: optional('the file', file, 4096) ?? 'document', text }));
}

function reported({ judged, changed, transitions, changes, isCut }: SimulationReport) {
  return {
    judged: BigInt(judged),
    changed: BigInt(changed),
    transitions: transitions.map((one) => ({ ...one, count: BigInt(one.count) })),
    changes: changes.map(changeOf),
    cut: isCut,
  };
}

function changeOf({ before, after, count, firstAt, lastAt, ...rest }: Change) {
  return {
    ...rest,
    before: before.outcome,
    ruleBefore: before.rule ?? '',
    after: after.outcome,
    ruleAfter: after.rule ?? '',
    count: BigInt(count),
    firstAt: timestampFromMs(firstAt),
    lastAt: timestampFromMs(lastAt),
  };
}
