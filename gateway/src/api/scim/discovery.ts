import { type Attribute, commonAttributes, type Schema, urns } from './attributes.ts';
import type { Document, Json } from './document.ts';
import { MAX_COUNT } from './query.ts';
import { groupType, type ResourceType, userType } from './resource-type.ts';

const types = [userType, groupType];
const schemas = types.flatMap(({ schema, extensions }) => [schema, ...extensions]);

/** What a client may read about the endpoint; undefined where there is nothing of that path. @see RFC 7644, 4 */
export function discovered(path: string, base: string): Document | undefined {
  const [collection, name, ...rest] = path.split('/').slice(1).map(decoded);
  if (rest.length > 0) return undefined;
  switch (collection) {
    case 'ServiceProviderConfig':
      return name === undefined ? configuration(base) : undefined;
    case 'ResourceTypes': {
      if (name === undefined) return listOf(types.map((type) => describedType(type, base)));
      const type = types.find((one) => one.name === name);
      return type && describedType(type, base);
    }
    case 'Schemas': {
      if (name === undefined) return listOf(schemas.map((schema) => describedSchema(schema, base)));
      const schema = schemas.find(({ id }) => id === name);
      return schema && describedSchema(schema, base);
    }
    default:
      return undefined;
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** @see RFC 7643, 5 */
function configuration(base: string): Document {
  return {
    schemas: [urns.serviceProvider],
    patch: { supported: true },
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: MAX_COUNT },
    changePassword: { supported: false },
    sort: { supported: true },
    etag: { supported: true },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'Bearer token',
        description: 'A token from: sallyport scim token PROVIDER',
        specUri: 'https://www.rfc-editor.org/rfc/rfc6750',
        primary: true,
      },
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
  };
}

function describedType({ name, endpoint, schema, extensions }: ResourceType, base: string): Document {
  return {
    schemas: [urns.resourceType],
    id: name,
    name,
    endpoint,
    description: schema.description,
    schema: schema.id,
    schemaExtensions: extensions.map(({ id }) => ({ schema: id, required: false })),
    meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/${name}` },
  };
}

function describedSchema({ id, name, description, attributes }: Schema, base: string): Document {
  const common = commonAttributes.filter((one) => one.name === 'externalId');
  return {
    schemas: [urns.schema],
    id,
    name,
    description,
    attributes: [...attributes, ...(id === urns.enterprise ? [] : common)].map(describedAttribute),
    meta: { resourceType: 'Schema', location: `${base}/Schemas/${id}` },
  };
}

function describedAttribute({ subAttributes, ...attribute }: Attribute): { [key: string]: Json } {
  const parts = subAttributes === undefined ? {} : { subAttributes: subAttributes.map(describedAttribute) };
  return { ...attribute, description: '', ...parts };
}

function listOf(resources: readonly Document[]): Document {
  const { length } = resources;
  return {
    schemas: [urns.listResponse],
    totalResults: length,
    startIndex: 1,
    itemsPerPage: length,
    Resources: resources,
  };
}
