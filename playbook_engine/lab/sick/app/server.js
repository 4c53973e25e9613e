// The trader's HTTP API, in the clear and over TLS.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

import { openDatabase, summarise } from './database.js';
import { health } from './health-check.js';
import { log } from './log.js';

const env = process.env;
const settings = {
  redisHost: env.REDIS_HOST,
  redisPort: Number(env.REDIS_PORT),
  exchangeUrl: env.EXCHANGE_URL,
  mlflowUrl: env.MLFLOW_URL,
  heartbeats: env.HEARTBEATS,
};
const database = openDatabase(env.DATABASE);

const routes = {
  'GET /': async () => [200, { service: 'trader', version: '0.9.1' }],
  'GET /health': async () => [200, await health(settings, database)],
  // nothing but the query, so that a client can time it
  'GET /api/db/ping': async () => [200, { status: 'ok', ...summarise(database) }],
  // decisions are logged nowhere yet; what cannot be verified must not look as if it could
  'GET /api/audit': async () => [501, { error: 'the audit trail is not implemented', verifiable: false }],
};

async function answer(request, response) {
  const path = request.url.split('?', 1)[0];
  const route = routes[`${request.method} ${path}`];
  let status = 404;
  let body = { error: `no route ${request.method} ${path}` };
  try {
    if (route) [status, body] = await route();
  } catch (error) {
    [status, body] = [500, { error: error.message }];
  }
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
  log(`${request.method} ${path} ${status}`);
}

http.createServer(answer).listen(Number(env.HTTP_PORT));
const tls = { cert: readFileSync(env.TLS_CERTIFICATE), key: readFileSync(env.TLS_KEY) };
https.createServer(tls, answer).listen(Number(env.HTTPS_PORT));
log(`listening on ${env.HTTP_PORT} and ${env.HTTPS_PORT} (TLS)`);
