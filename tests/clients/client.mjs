// node-pop3: MODULE PORT SECURITY OUT SEEN keep|delete
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
const [module, port, security, out, seen, what] = process.argv.slice(2);
const loaded = createRequire(import.meta.url)(module);
const Pop3Command = loaded.default ?? loaded;
const pop = new Pop3Command({
  user: 'thomas', password: 'secret', host: '127.0.0.1', port: Number(port),
  tls: security === 'tls', tlsOptions: { rejectUnauthorized: false },
});
const old = existsSync(seen) ? readFileSync(seen, 'utf8').split('\n') : [];
const rows = await pop.UIDL();
for (const [n, uidl] of rows) {
  if (!old.includes(uidl)) {
    const text = await pop.RETR(Number(n));
    writeFileSync(`${out}/${String(n).padStart(6, '0')}`, text);
  }
  if (what === 'delete') await pop.command('DELE', n);
}
await pop.QUIT();
writeFileSync(seen, rows.map(([, uidl]) => uidl).join('\n'));
