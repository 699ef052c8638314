import postgres from "postgres";

/** postgres.js as every host uses it. `poolSize` connections at most. */
export function openClient(url: string, poolSize: number) {
  return postgres(url, {
    max: poolSize,
    connect_timeout: 5,
    idle_timeout: 60,
    // On each new connection it would ask for the types of arrays, in a query that nobody waits for: when the server
    // goes away meanwhile, its failure would end the process. Drizzle reads arrays by itself.
    fetch_types: false,
    // Notices of the server are not for our log.
    onnotice: () => undefined,
  });
}
