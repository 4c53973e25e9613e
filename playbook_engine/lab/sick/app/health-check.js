// What GET /health says: one look at each thing the trader depends on, one after the other.
import { readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';

import { summarise } from './database.js';
import { redisCommand } from './redis-client.js';

const HEARTBEAT_MAX_AGE = 10; // seconds
const TICK_MAX_AGE = 30;

async function checkDatabase(database) {
  let start = 0;
  try {
    await summarise(database);
    return { status: 'healthy', connection: 'active', responseTime: Date.now() - start };
  } catch (error) {
    return { status: 'unhealthy', connection: 'failed', error: error.message };
  }
}

async function checkRedis(settings) {
  try {
    await redisCommand(settings.redisHost, settings.redisPort, 'PING');
    return { status: 'healthy', connection: 'active' };
  } catch (error) {
    return { status: 'unhealthy', connection: 'failed', error: error.message };
  }
}

async function checkBybit(settings) {
  const sent = performance.now();
  try {
    const answer = await fetch(`${settings.exchangeUrl}/v5/market/time`, { signal: AbortSignal.timeout(30000) });
    const body = await answer.json();
    if (body.retCode !== 0) throw new Error(body.retMsg);
    return { status: 'healthy', connection: 'active', responseTime: Math.round(performance.now() - sent) };
  } catch (error) {
    return { status: 'unhealthy', connection: 'failed', error: error.message };
  }
}

async function checkMlflow(settings) {
  try {
    const answer = await fetch(`${settings.mlflowUrl}/health`, { signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    return { status: 'healthy', connection: 'active' };
  } catch (error) {
    return { status: 'unhealthy', connection: 'failed', error: error.message };
  }
}

async function checkEngine(settings, name) {
  try {
    const heartbeat = JSON.parse(await readFile(`${settings.heartbeats}/${name}.json`, 'utf8'));
    const now = Date.now() / 1000;
    const alive = now - heartbeat.ts < HEARTBEAT_MAX_AGE && now - heartbeat.last_tick < TICK_MAX_AGE;
    return alive ? 'running' : 'unknown';
  } catch {
    return 'unknown';
  }
}

export async function health(settings, database) {
  const services = {
    database: await checkDatabase(database),
    redis: await checkRedis(settings),
    bybit: await checkBybit(settings),
    mlflow: await checkMlflow(settings),
  };
  const tradingEngines = {
    traditional: await checkEngine(settings, 'traditional'),
    crypto: await checkEngine(settings, 'crypto'),
  };
  const { heapUsed, heapTotal } = process.memoryUsage();
  const healthy =
    Object.values(services).every((s) => s.status === 'healthy') &&
    Object.values(tradingEngines).every((s) => s === 'running');
  return {
    status: healthy ? 'healthy' : 'degraded',
    services,
    tradingEngines,
    memory: { heapUsed, heapTotal },
    uptime: process.uptime(),
    timestamp: new Date().toISOString(),
  };
}
