import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { CourierStatus } from '../../notifications/courier.ts';

export interface NotifiersPort {
  /** By name. */
  list(): readonly CourierStatus[];
  /** Sends a sample; undefined where there is no such notifier. */
  test(name: string, by: Principal): Promise<{ readonly problem: string | undefined } | undefined>;
}
