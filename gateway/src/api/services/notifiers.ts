import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { NotifierService } from '@sallyport/proto/api/v1/notifiers_pb';
import { callerOf } from '../caller.ts';
import type { NotifiersPort } from '../ports/notifiers.ts';
import { notFound } from '../problems.ts';
import { required } from './fields.ts';

export function notifierService(port: NotifiersPort): ServiceImpl<typeof NotifierService> {
  return {
    listNotifiers() {
      const notifiers = port.list().map(({ sent, lost, problem = '', lastSentAt, ...rest }) => ({
        ...rest,
        sent: BigInt(sent),
        lost: BigInt(lost),
        problem,
        ...(lastSentAt === undefined ? {} : { lastSentAt: timestampFromMs(lastSentAt) }),
      }));
      return { notifiers };
    },
    async testNotifier({ name }, context) {
      const outcome = await port.test(required('the name', name), callerOf(context).principal);
      if (outcome === undefined) throw notFound('notifier', name);
      return { delivered: outcome.problem === undefined, problem: outcome.problem ?? '' };
    },
  };
}
