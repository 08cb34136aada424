import type { Approval, ApprovalState, ApprovalStore } from '../store.ts';

/** Approvals, for as long as a test runs. */
export class MemoryApprovalStore implements ApprovalStore {
  readonly kept = new Map<string, Approval>();

  async putApproval(approval: Approval): Promise<void> {
    this.kept.set(approval.id, approval);
  }

  async approval(id: string): Promise<Approval | undefined> {
    return this.kept.get(id);
  }

  async approvals({ state, limit }: { state?: ApprovalState; limit: number }): Promise<readonly Approval[]> {
    const all = [...this.kept.values()].sort((a, b) => b.requestedAt - a.requestedAt);
    return all.filter((approval) => state === undefined || approval.state === state).slice(0, limit);
  }
}
