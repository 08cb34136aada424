/** An attribute as RFC 7643, 7 describes it. */
export interface Attribute {
  readonly name: string;
  readonly type: 'string' | 'boolean' | 'dateTime' | 'reference' | 'complex';
  readonly multiValued: boolean;
  readonly required: boolean;
  readonly caseExact: boolean;
  readonly mutability: 'readOnly' | 'readWrite' | 'immutable';
  readonly returned: 'always' | 'default';
  readonly uniqueness: 'none' | 'server';
  readonly subAttributes?: readonly Attribute[];
}

type Deviation = Partial<Omit<Attribute, 'name'>>;

const attribute = (name: string, deviation: Deviation = {}): Attribute => ({
  name,
  type: 'string',
  multiValued: false,
  required: false,
  caseExact: false,
  mutability: 'readWrite',
  returned: 'default',
  uniqueness: 'none',
  ...deviation,
});

const flag = (name: string): Attribute => attribute(name, { type: 'boolean' });

const complex = (name: string, subAttributes: readonly Attribute[], deviation: Deviation = {}): Attribute =>
  attribute(name, { type: 'complex', subAttributes, ...deviation });

/** @see RFC 7643, 2.4 */
const several = (name: string, further: readonly Attribute[] = []): Attribute =>
  complex(name, [attribute('value'), ...further, attribute('display'), attribute('type'), flag('primary')], {
    multiValued: true,
  });

const texts = (...names: readonly string[]): readonly Attribute[] => names.map((name) => attribute(name));
const exact = { caseExact: true } as const;
const readOnly = { mutability: 'readOnly' } as const;

export const urns = {
  user: 'urn:ietf:params:scim:schemas:core:2.0:User',
  group: 'urn:ietf:params:scim:schemas:core:2.0:Group',
  enterprise: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
  listResponse: 'urn:ietf:params:scim:api:messages:2.0:ListResponse',
  searchRequest: 'urn:ietf:params:scim:api:messages:2.0:SearchRequest',
  patchOp: 'urn:ietf:params:scim:api:messages:2.0:PatchOp',
  error: 'urn:ietf:params:scim:api:messages:2.0:Error',
  serviceProvider: 'urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig',
  resourceType: 'urn:ietf:params:scim:schemas:core:2.0:ResourceType',
  schema: 'urn:ietf:params:scim:schemas:core:2.0:Schema',
} as const;

export interface Schema {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly attributes: readonly Attribute[];
}

/** What every resource has. @see RFC 7643, 3.1 */
export const commonAttributes: readonly Attribute[] = [
  attribute('id', { ...exact, ...readOnly, returned: 'always', uniqueness: 'server' }),
  attribute('externalId', exact),
  complex(
    'meta',
    [
      attribute('resourceType', { ...exact, ...readOnly }),
      attribute('created', { type: 'dateTime', ...readOnly }),
      attribute('lastModified', { type: 'dateTime', ...readOnly }),
      attribute('location', { type: 'reference', ...exact, ...readOnly }),
      attribute('version', { ...exact, ...readOnly }),
    ],
    readOnly,
  ),
];

export const userSchema: Schema = {
  id: urns.user,
  name: 'User',
  description: 'A person who may sign in',
  attributes: [
    attribute('userName', { required: true, uniqueness: 'server' }),
    complex('name', texts('formatted', 'familyName', 'givenName', 'middleName', 'honorificPrefix', 'honorificSuffix')),
    ...texts('displayName', 'nickName'),
    attribute('profileUrl', { type: 'reference' }),
    ...texts('title', 'userType', 'preferredLanguage', 'locale', 'timezone'),
    flag('active'),
    several('emails'),
    several('phoneNumbers'),
    several('addresses', texts('formatted', 'streetAddress', 'locality', 'region', 'postalCode', 'country')),
    several('entitlements'),
    several('roles'),
    complex('groups', [attribute('value', exact), attribute('display'), attribute('$ref', { type: 'reference' })], {
      multiValued: true,
      ...readOnly,
    }),
  ],
};

/** @see RFC 7643, 4.3 */
export const enterpriseSchema: Schema = {
  id: urns.enterprise,
  name: 'EnterpriseUser',
  description: 'What an organisation says of a person',
  attributes: [
    ...texts('employeeNumber', 'costCenter', 'organization', 'division', 'department'),
    complex('manager', [attribute('value', exact), attribute('$ref', { type: 'reference' }), attribute('displayName')]),
  ],
};

export const groupSchema: Schema = {
  id: urns.group,
  name: 'Group',
  description: 'People whom rules name together',
  attributes: [
    attribute('displayName', { required: true, uniqueness: 'server' }),
    complex(
      'members',
      [
        attribute('value', { ...exact, mutability: 'immutable' }),
        attribute('$ref', { type: 'reference', mutability: 'immutable' }),
        attribute('type', { mutability: 'immutable' }),
        attribute('display', readOnly),
      ],
      { multiValued: true },
    ),
  ],
};
