// One command to Redis over one connection (RESP), without a library.
import net from 'node:net';

export function redisCommand(host, port, ...words) {
  const request = `*${words.length}\r\n` + words.map((w) => `$${Buffer.byteLength(w)}\r\n${w}\r\n`).join('');
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, timeout: 2000 }, () => socket.write(request));
    socket.once('data', (data) => {
      socket.end();
      const line = data.toString().split('\r\n', 1)[0];
      if (line.startsWith('-')) reject(new Error(line.slice(1)));
      else resolve(line.slice(1));
    });
    socket.once('timeout', () => socket.destroy(new Error('redis timed out')));
    socket.once('error', reject);
  });
}
