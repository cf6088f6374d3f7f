// node pg_boss.js FOLDER-OF-PACKAGES HOST CLIENTS ITEMS: so many clients, each with a queue of its own: an item is sent,
// fetched and completed, and then the next one. Prints the seconds.
const [packages, host, clients, items] = process.argv.slice(2);
const PgBoss = require(require.resolve("pg-boss", { paths: [packages] }));

async function client(boss, queue, body) {
  for (let i = 0; i < items; i++) {
    await boss.send(queue, { body });
    const job = await boss.fetch(queue);
    if (job.data.body !== body) throw new Error("other bytes came");
    await boss.complete(job.id);
  }
}

async function main() {
  const boss = new PgBoss({ host, database: "postgres", user: "postgres", max: +clients, noSupervisor: true,
                            noScheduling: true });
  await boss.start();
  const body = "x".repeat(4096), begun = process.hrtime.bigint();
  await Promise.all(Array.from({ length: +clients }, (_, i) => client(boss, `queue-${i}`, body)));
  console.log(Number(process.hrtime.bigint() - begun) / 1e9);
  await boss.stop({ graceful: false });
  process.exit(0);
}
main().catch((error) => { console.error(error); process.exit(1); });
