import { AccessService } from '@sallyport/proto/api/v1/access_pb';
import { ActivityService } from '@sallyport/proto/api/v1/activity_pb';
import { AgentService } from '@sallyport/proto/api/v1/agents_pb';
import { ApprovalService } from '@sallyport/proto/api/v1/approvals_pb';
import { AuditService } from '@sallyport/proto/api/v1/audit_pb';
import { ConnectionService } from '@sallyport/proto/api/v1/connections_pb';
import { DirectoryService } from '@sallyport/proto/api/v1/directory_pb';
import { HealthService } from '@sallyport/proto/api/v1/health_pb';
import { IdentityService } from '@sallyport/proto/api/v1/identity_pb';
import { KeyService } from '@sallyport/proto/api/v1/keys_pb';
import { LeaseService } from '@sallyport/proto/api/v1/leases_pb';
import { NotifierService } from '@sallyport/proto/api/v1/notifiers_pb';
import { PolicyService } from '@sallyport/proto/api/v1/policy_pb';
import { ResourceService } from '@sallyport/proto/api/v1/resources_pb';
import { ServiceAccountService } from '@sallyport/proto/api/v1/service_accounts_pb';
import { SessionService } from '@sallyport/proto/api/v1/sessions_pb';
import type { Principal } from '@sallyport/shared/access/principal.ts';

/** Everybody who signed in is a `user`; the others come from groups. */
export type Role = 'admin' | 'auditor' | 'approver' | 'user';

/** Which groups give a role. */
export type RoleGroups = Readonly<Record<Exclude<Role, 'user'>, readonly string[]>>;

export const builtInGroups: RoleGroups = { admin: ['admins'], auditor: ['auditors'], approver: ['approvers'] };

export const services = [
  ActivityService,
  AccessService,
  AgentService,
  ApprovalService,
  AuditService,
  ConnectionService,
  DirectoryService,
  HealthService,
  IdentityService,
  KeyService,
  LeaseService,
  NotifierService,
  PolicyService,
  ResourceService,
  ServiceAccountService,
  SessionService,
] as const;

export interface Requirement {
  /** Any one of these is enough. */
  readonly roles: readonly Role[] | 'anybody';
  /** Whether a token that is for one connection only may call it. */
  readonly scoped?: true;
  /** Whether a program that acts on somebody's behalf may call it. */
  readonly delegated?: true;
}

const signedIn: Requirement = { roles: ['user'] };
const onBehalf: Requirement = { roles: ['user'], delegated: true };
const readers: Requirement = { roles: ['admin', 'auditor'] };
const admins: Requirement = { roles: ['admin'] };

/** Who may call what. A method that is not here is nobody's; what of it they see is the service's matter. */
export const requirements: Readonly<Record<string, Requirement>> = {
  'HealthService.Check': { roles: 'anybody', scoped: true },
  'IdentityService.SignIn': { roles: 'anybody' },
  'IdentityService.WhoAmI': { roles: ['user'], scoped: true, delegated: true },
  'IdentityService.MintToken': signedIn,
  'IdentityService.ListTokens': signedIn,
  'IdentityService.RevokeToken': { roles: ['user'], scoped: true },
  'IdentityService.SetPassword': signedIn,
  'KeyService.GetSshServer': { roles: ['user'], scoped: true },
  'KeyService.SignCertificate': { roles: ['user'], scoped: true },
  'KeyService.AddKey': signedIn,
  'KeyService.ListKeys': signedIn,
  'KeyService.RemoveKey': signedIn,
  'ConnectionService.ListConnections': onBehalf,
  'ConnectionService.GetConnection': onBehalf,
  'DirectoryService.MintDirectoryToken': admins,
  'DirectoryService.ListDirectoryTokens': readers,
  'DirectoryService.RevokeDirectoryToken': admins,
  // Who may decide which approval is the rule's word, whatever their role.
  'ApprovalService.ListApprovals': signedIn,
  'ApprovalService.GetApproval': signedIn,
  'ApprovalService.DecideApproval': signedIn,
  'ApprovalService.WatchApprovals': signedIn,
  // Who may ask, decide and take back is the rule's word too.
  'AccessService.RequestAccess': onBehalf,
  'AccessService.WatchRequest': onBehalf,
  'AccessService.CancelRequest': onBehalf,
  'AccessService.BreakGlass': signedIn,
  'AccessService.ListGrants': signedIn,
  'AccessService.GetGrant': signedIn,
  'AccessService.RevokeGrant': signedIn,
  'AccessService.ReviewBreakGlass': signedIn,
  'ServiceAccountService.CreateServiceSecret': admins,
  'ServiceAccountService.ListServiceSecrets': readers,
  'ServiceAccountService.RevokeServiceSecret': admins,
  'SessionService.ListSessions': signedIn,
  'SessionService.GetSession': signedIn,
  'SessionService.ReplaySession': signedIn,
  'SessionService.WatchSession': signedIn,
  'SessionService.KillSession': signedIn,
  'SessionService.ExportSession': readers,
  'AuditService.TailEvents': readers,
  'AuditService.VerifyJournal': readers,
  'AgentService.ListAgents': readers,
  'AgentService.CreateJoinToken': admins,
  'AgentService.RemoveAgent': admins,
  'ActivityService.GetActivity': readers,
  'LeaseService.ListLeases': readers,
  'NotifierService.ListNotifiers': readers,
  'NotifierService.TestNotifier': admins,
  'PolicyService.CheckPolicy': readers,
  'PolicyService.SimulatePolicy': readers,
  'PolicyService.ExplainPolicy': readers,
  'ResourceService.ApplyResources': admins,
  'ResourceService.ListResources': readers,
  'ResourceService.GetResource': readers,
  'ResourceService.DeleteResource': admins,
};

export function rolesOf({ groups }: Pick<Principal, 'groups'>, given: RoleGroups): readonly Role[] {
  const named = (['admin', 'auditor', 'approver'] as const).filter((role) =>
    given[role].some((group) => groups.includes(group)),
  );
  return [...named, 'user'];
}
