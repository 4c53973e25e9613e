// A trading engine: ticks while its market is open, and writes a heartbeat to the data disk every two seconds.
//   engine.js NAME PORT STYLE SYMBOL...      STYLE: rename (beside, then over the old one) or in-place
import { closeSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import net from 'node:net';

import { log } from './log.js';

const [name, port, style, ...symbols] = process.argv.slice(2);
const file = `${process.env.HEARTBEATS}/${name}.json`;
const HEARTBEAT_EVERY = 2000; // milliseconds
const TICK_EVERY = 1000;
const RECORD = 512; // bytes: in place, a shorter text must not leave the end of a longer one

const LAST_CLOSE = 17 * 3600; // seconds ago, when the market is closed at the start

const started = Date.now() / 1000;
const before = started - (marketIsOpen(new Date()) ? 0 : LAST_CLOSE);
const ticks = Object.fromEntries(symbols.map((s) => [s, before]));

function marketIsOpen(now) {
  const { sessions } = JSON.parse(readFileSync(process.env.MARKET_CALENDAR, 'utf8')).markets[name];
  const clock = now.toISOString().slice(11, 16); // UTC
  return sessions.some((s) => s.days.includes(now.getUTCDay()) && s.from <= clock && clock < s.to);
}

function state() {
  const last_tick = Math.max(...Object.values(ticks));
  return { engine: name, pid: process.pid, ts: Date.now() / 1000, last_tick, symbols: ticks, started };
}

function writeInPlace(text) {
  const fd = openSync(file, 'a+');
  closeSync(fd);
  const target = openSync(file, 'r+');
  try {
    writeSync(target, text, 0);
  } finally {
    closeSync(target);
  }
}

function writeBeside(text) {
  const beside = `${file}.new`;
  try {
    const fd = openSync(beside, 'w');
    try {
      writeSync(fd, text);
    } finally {
      closeSync(fd);
    }
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

setInterval(() => {
  const text = `${JSON.stringify(state())}`.padEnd(RECORD - 1) + '\n';
  try {
    (style === 'in-place' ? writeInPlace : writeBeside)(text);
  } catch (error) {
    log(`heartbeat not written: ${error.message}`);
  }
}, HEARTBEAT_EVERY);

setInterval(() => {
  const now = new Date();
  if (marketIsOpen(now)) for (const s of symbols) ticks[s] = now.getTime() / 1000;
}, TICK_EVERY);

net.createServer((socket) => socket.end(`${JSON.stringify(state())}\n`).on('error', () => {})).listen(Number(port));
