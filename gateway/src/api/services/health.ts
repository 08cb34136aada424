import type { ServiceImpl } from '@connectrpc/connect';
import { Health, type HealthService } from '@sallyport/proto/api/v1/health_pb';
import type { HealthPort } from '../ports.ts';

/** Anybody may ask, so that what is down is not said here: agents' and connections' names are nobody's business. */
export function healthService(port: HealthPort): ServiceImpl<typeof HealthService> {
  return {
    async check() {
      const problems = await port.problems();
      return { health: problems.length === 0 ? Health.SERVING : Health.DEGRADED };
    },
  };
}
