// The trades, in SQLite.
import { DatabaseSync } from 'node:sqlite';

const SEED_ROWS = 5000;

export function openDatabase(path) {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA busy_timeout = 2000');
  database.exec(`CREATE TABLE IF NOT EXISTS trades (
    id INTEGER PRIMARY KEY, symbol TEXT NOT NULL, side TEXT NOT NULL, price REAL NOT NULL, quantity REAL NOT NULL,
    at INTEGER NOT NULL)`);
  if (database.prepare('SELECT COUNT(*) AS n FROM trades').get().n === 0) {
    const insert = database.prepare('INSERT INTO trades (symbol, side, price, quantity, at) VALUES (?, ?, ?, ?, ?)');
    database.exec('BEGIN');
    for (let i = 0; i < SEED_ROWS; i++) {
      insert.run(i % 2 ? 'BTCUSDT' : 'AAPL', i % 3 ? 'buy' : 'sell', 100 + (i % 97), 1 + (i % 7), 1754000000000 + i * 1000);
    }
    database.exec('COMMIT');
  }
  return database;
}

export function summarise(database) {
  return database.prepare('SELECT COUNT(*) AS trades, MAX(at) AS latest FROM trades').get();
}
