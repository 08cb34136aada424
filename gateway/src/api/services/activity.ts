import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { ActivityService } from '@sallyport/proto/api/v1/activity_pb';
import type { ActivityPort } from '../ports.ts';

export function activityService(port: ActivityPort): ServiceImpl<typeof ActivityService> {
  return {
    getActivity() {
      return { minutes: port.lastHour().map(({ at, ...counts }) => ({ ...counts, at: timestampFromMs(at) })) };
    },
  };
}
