import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { requestInfo } from './request-info.ts';

const told = (method: string, target: string): string => {
  const url = new URL(target, 'http://cluster');
  const query: Record<string, string[]> = {};
  for (const [name, value] of url.searchParams) query[name] = [...(query[name] ?? []), value];
  const { verb, group, version, resource, subresource, namespace, name } = requestInfo({
    method,
    path: url.pathname,
    query,
  });
  return `${verb} ${group}/${version} ${namespace}:${resource}/${subresource} ${name}`;
};

describe('a request as the API server reads it', () => {
  for (const [method, target, expected] of [
    ['GET', '/api/v1/namespaces/default/pods', 'list /v1 default:pods/ '],
    ['GET', '/api/v1/namespaces/default/pods/web', 'get /v1 default:pods/ web'],
    ['HEAD', '/api/v1/pods', 'list /v1 :pods/ '],
    ['GET', '/api/v1/pods?watch=true', 'watch /v1 :pods/ '],
    ['GET', '/api/v1/pods?watch=false', 'list /v1 :pods/ '],
    ['GET', '/api/v1/namespaces/default/pods/web?watch=1', 'watch /v1 default:pods/ web'],
    ['GET', '/api/v1/watch/namespaces/default/pods/web', 'watch /v1 default:pods/ web'],
    ['GET', '/api/v1/pods?fieldSelector=metadata.name%3Dweb', 'list /v1 :pods/ web'],
    ['POST', '/api/v1/namespaces/default/pods', 'create /v1 default:pods/ '],
    ['PUT', '/apis/apps/v1/namespaces/shop/deployments/web', 'update apps/v1 shop:deployments/ web'],
    ['PATCH', '/apis/apps/v1/namespaces/shop/deployments/web/scale', 'patch apps/v1 shop:deployments/scale web'],
    ['DELETE', '/api/v1/namespaces/default/pods/web', 'delete /v1 default:pods/ web'],
    ['DELETE', '/api/v1/namespaces/default/pods', 'deletecollection /v1 default:pods/ '],
    ['GET', '/api/v1/namespaces', 'list /v1 :namespaces/ '],
    ['GET', '/api/v1/namespaces/default', 'get /v1 default:namespaces/ default'],
    ['PUT', '/api/v1/namespaces/default/finalize', 'update /v1 default:namespaces/finalize default'],
    ['GET', '/api/v1/namespaces/default/pods/web/log', 'get /v1 default:pods/log web'],
    ['GET', '/api/v1/namespaces/default/pods/web/exec?command=sh', 'create /v1 default:pods/exec web'],
    ['POST', '/api/v1/namespaces/default/pods/web/attach', 'create /v1 default:pods/attach web'],
    ['GET', '/api/v1/namespaces/default/pods/web/portforward', 'create /v1 default:pods/portforward web'],
    ['GET', '/api/v1/nodes/one/proxy/metrics', 'proxy /v1 :nodes/proxy one'],
    ['GET', '/api/v1/proxy/nodes/one/metrics', 'proxy /v1 :nodes/ one'],
    ['GET', '/api/v1/namespaces/default/services/web:80/proxy/admin', 'proxy /v1 default:services/proxy web:80'],
    ['GET', '/version', 'get / :/ '],
    ['GET', '/api', 'get / :/ '],
    ['GET', '/api/v1', 'get / :/ '],
    ['GET', '/apis/apps/v1', 'get / :/ '],
    ['GET', '/openapi/v2', 'get / :/ '],
    [
      'POST',
      '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      'create authorization.k8s.io/v1 :selfsubjectaccessreviews/ ',
    ],
    ['OPTIONS', '/api/v1/pods', 'options /v1 :pods/ '],
  ] as const) {
    it(`${method} ${target}`, () => assert.equal(told(method, target), expected));
  }
});
