// A stand-in for the exchange: its public clock, as slow as it is told to be.
import { readFileSync } from 'node:fs';
import http from 'node:http';

function latency() {
  try {
    return Number(readFileSync(process.env.EXCHANGE_LATENCY_FILE, 'utf8'));
  } catch {
    return Number(process.env.EXCHANGE_LATENCY_MS);
  }
}

function marketTime() {
  const now = Date.now();
  return {
    retCode: 0,
    retMsg: 'OK',
    result: { timeSecond: String(Math.floor(now / 1000)), timeNano: String(BigInt(now) * 1000000n) },
    retExtInfo: {},
    time: now,
  };
}

http
  .createServer((request, response) => {
    const known = request.method === 'GET' && request.url.split('?', 1)[0] === '/v5/market/time';
    setTimeout(() => {
      const body = known ? marketTime() : { retCode: 10404, retMsg: 'no such path' };
      response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    }, latency());
  })
  .listen(Number(process.env.EXCHANGE_PORT), '127.0.0.1');
