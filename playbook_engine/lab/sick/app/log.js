// One line to the log. A log that cannot be written (the disk is full) must not take the service down with it,
// which is what console.log does: the stream's error is thrown when nobody listens for it.
import { writeSync } from 'node:fs';

export function log(text) {
  try {
    writeSync(1, `${new Date().toISOString()} ${text}\n`);
  } catch {
    // nowhere to say it
  }
}
