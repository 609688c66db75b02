const text = { type: 'string' } as const;
const uuid = { type: 'string', format: 'uuid' } as const;
const time = { type: 'string', format: 'date-time', readOnly: true } as const;
const number = { type: 'integer' } as const;
const source = { enum: ['file', 'api', 'claim'], readOnly: true, description: 'who put it there' } as const;
const port = { type: 'integer', minimum: 1, maximum: 65_535 } as const;
const madeUp = {
  type: 'string',
  description: 'made up when left out; shown only in the answer that made it',
} as const;

const size = { type: ['string', 'integer'], examples: ['64KiB', 65_536] } as const;
const duration = { ...text, examples: ['500ms', '30s', '2m', '1h'] } as const;

const listOf = (items: object): object => ({ type: 'array', items });
const ref = (name: string): object => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: object): object => ({ content: { 'application/json': { schema } } });

/** What a route does with its traffic besides leading it to a tunnel. */
const POLICY = {
  rewrite: {
    type: 'object',
    required: ['from', 'to'],
    properties: {
      from: { ...text, examples: ['^/v1/(.*)$'] },
      to: { ...text, examples: ['/$1'] },
    },
  },
  stripPrefix: { ...text, examples: ['/v1'] },
  requestHeaders: ref('HeaderRules'),
  responseHeaders: ref('HeaderRules'),
  redirect: {
    type: 'object',
    required: ['to'],
    description: 'The edge answers itself.',
    properties: {
      to: { ...text, examples: ['https://www.example.com{uri}'] },
      status: { enum: [301, 302, 303, 307, 308], default: 308 },
    },
  },
  query: { enum: ['pass', 'clean'], default: 'pass' },
  locations: { enum: ['pass', 'refuse'], default: 'pass' },
  maxBody: { ...size, description: 'of a request' },
  bandwidth: {
    oneOf: [size, { type: 'object', properties: { up: size, down: size } }],
    description: 'bytes a second of one request or connection',
  },
  timeouts: {
    type: 'object',
    properties: { firstByte: duration, bodyIdle: duration, total: duration, tunnelIdle: duration },
  },
} as const;

const SCHEMAS = {
  Tunnel: {
    type: 'object',
    required: ['name'],
    properties: { id: uuid, name: text, token: madeUp, createdAt: time, source },
  },
  Route: {
    type: 'object',
    required: ['tunnel'],
    description: 'Either a hostname, perhaps with a path, or a port leads to a tunnel.',
    properties: {
      id: { ...text, readOnly: true },
      hostname: { ...text, examples: ['example.com', '.example.com', '*.example.com'] },
      path: { ...text, examples: ['/v1', '= /exact', '~ ^/v[12]/'] },
      port,
      tunnel: uuid,
      ...POLICY,
      source,
    },
  },
  HeaderRules: {
    type: 'object',
    description: 'Applied in the order remove, set, add. Values may have placeholders such as "{client_ip}".',
    properties: {
      set: { type: 'object', additionalProperties: text },
      add: { type: 'object', additionalProperties: { oneOf: [text, listOf(text)] } },
      remove: { ...listOf(text), description: '"X-Debug-*" stands for all names that begin so' },
    },
  },
  Token: {
    type: 'object',
    required: ['name', 'tunnels'],
    properties: {
      id: { ...text, readOnly: true },
      name: text,
      token: madeUp,
      tunnels: { oneOf: [listOf(uuid), { const: '*' }] },
      hostnames: { ...listOf(text), description: 'patterns that it may claim; "*" is any' },
      ports: { ...listOf(text), description: 'such as "8022" or "1024-65535"' },
      createdAt: time,
      source,
    },
  },
  Edge: {
    type: 'object',
    properties: {
      id: text,
      region: text,
      boot: text,
      peers: text,
      agents: text,
      draining: { type: 'boolean' },
      load: { type: 'object', properties: { sessions: number, streams: number, connections: number } },
      warnings: listOf(text),
    },
  },
  Session: {
    type: 'object',
    properties: {
      id: text,
      tunnel: uuid,
      agent: text,
      generation: number,
      edge: text,
      links: number,
      address: text,
      version: text,
      since: time,
      draining: { type: 'boolean' },
      token: { ...text, description: 'id of the token that admitted it' },
      claims: { type: 'object', properties: { hostnames: listOf(text), ports: listOf(port) } },
    },
  },
  Error: {
    type: 'object',
    required: ['error'],
    properties: {
      error: { type: 'object', required: ['code', 'message'], properties: { code: text, message: text } },
    },
  },
} as const;

const PAGE = [
  { name: 'limit', in: 'query', schema: { type: 'integer', minimum: 1, maximum: 1_000, default: 100 } },
  { name: 'cursor', in: 'query', schema: text, description: 'the cursor of the page before' },
];
const ID = { name: 'id', in: 'path', required: true, schema: text };
const failure = { description: 'An error', ...json(ref('Error')) };

/** The API in OpenAPI 3.1. */
export function describeApi(): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'culvert router',
      version: '1',
      description: 'Tunnels, routes and tokens; edges and sessions.',
    },
    servers: [{ url: '/api/v1' }],
    security: [{ bearer: [] }],
    paths: {
      '/tunnels': collection('tunnels', 'Tunnel'),
      '/tunnels/{id}': item('tunnel', 'Tunnel'),
      '/routes': collection('routes', 'Route'),
      '/routes/{id}': item('route', 'Route'),
      '/tokens': collection('tokens', 'Token'),
      '/tokens/{id}': item('token', 'Token'),
      '/edges': { get: operation('List the edges', 200, listed('edges', 'Edge')) },
      '/sessions': { get: { ...list('sessions', 'Session'), parameters: [...PAGE, ofTunnel()] } },
    },
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } }, schemas: SCHEMAS },
  };
}

function collection(name: string, schema: string): object {
  const post = {
    ...operation(`Create one of the ${name}`, 201, ref(schema)),
    requestBody: json(ref(schema)),
  };
  return { get: list(name, schema), post };
}

function item(name: string, schema: string): object {
  return {
    parameters: [ID],
    get: operation(`Show a ${name}`, 200, ref(schema)),
    delete: { summary: `Delete a ${name}`, responses: { 204: { description: 'Deleted' }, default: failure } },
  };
}

function list(name: string, schema: string): object {
  return { ...operation(`List the ${name}`, 200, listed(name, schema)), parameters: PAGE };
}

function operation(summary: string, status: number, schema: object): object {
  return { summary, responses: { [status]: { description: 'Done', ...json(schema) }, default: failure } };
}

function listed(name: string, schema: string): object {
  const cursor = { ...text, description: 'absent on the last page' };
  return { type: 'object', properties: { [name]: listOf(ref(schema)), cursor } };
}

const ofTunnel = (): object => ({ name: 'tunnel', in: 'query', schema: uuid });
