import type { JsonObject } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import { Outcome, type ResourceService } from '@sallyport/proto/api/v1/resources_pb';
import type { Json } from '../../audit/event.ts';
import { callerOf } from '../caller.ts';
import type { ResourcesPort, StoredResource } from '../ports.ts';
import { invalid, notFound } from '../problems.ts';
import { optional, required } from './fields.ts';

const MAX_DOCUMENTS = 1000;
const outcomes = { created: Outcome.CREATED, updated: Outcome.UPDATED, unchanged: Outcome.UNCHANGED } as const;

export function resourceService(port: ResourcesPort): ServiceImpl<typeof ResourceService> {
  return {
    async applyResources(request, context) {
      const { documents, dryRun } = request;
      if (documents.length + request.resources.length > MAX_DOCUMENTS)
        throw invalid(`more than ${MAX_DOCUMENTS} documents`);
      const resources = request.resources.map(({ kind, name, spec }) => ({
        kind: required('the kind', kind),
        name: required('the name', name),
        spec: (spec ?? {}) as { [key: string]: Json },
      }));
      const applied = await port.apply({
        by: callerOf(context).principal,
        documents: documents.map(({ file, text }) => ({ file: optional('the file', file, 4096) ?? 'document', text })),
        resources,
        dryRun,
      });
      return { resources: applied.map(({ kind, name, outcome }) => ({ kind, name, outcome: outcomes[outcome] })) };
    },
    async listResources({ kind }) {
      return { resources: (await port.list(optional('the kind', kind))).map(listed) };
    },
    async getResource(request) {
      const [kind, name] = [required('the kind', request.kind), required('the name', request.name)];
      const found = await port.get(kind, name);
      if (found === undefined) throw notFound(kind, name);
      return { resource: listed(found) };
    },
    async deleteResource(request, context) {
      const [kind, name] = [required('the kind', request.kind), required('the name', request.name)];
      if (!(await port.remove(kind, name, callerOf(context).principal))) throw notFound(kind, name);
      return {};
    },
  };
}

function listed({ kind, name, spec, updatedAt }: StoredResource) {
  const when = updatedAt === undefined ? {} : { updatedAt: timestampFromMs(updatedAt) };
  return { kind, name, spec: spec as JsonObject, ...when };
}
