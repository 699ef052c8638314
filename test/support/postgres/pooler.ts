import type { Socket } from "node:net";
import { connect, createServer } from "node:net";

import { createReader } from "./proxy.ts";

/**
 * A pooler between the function and PostgreSQL that gives out the server's connections for one transaction at a time, as
 * PgBouncer does with `pool_mode=transaction` and as Neon and Hyperdrive do. Whatever a client leaves on a connection
 * (a named statement, a SET, an advisory lock of the session) is on whichever connection it gets next, or is not.
 *
 * Real about it: which messages end a transaction, that clients wait for a free connection, that the next transaction
 * goes over another one. Not imitated: authentication (the first clients bring theirs, later ones are let in unseen),
 * limits, cancelling, and PgBouncer's own knowledge of named statements.
 */
export interface Pooler {
  /** The connection string that leads through it. */
  readonly url: string;
  /** How many connections to the server there are. */
  readonly connections: () => number;
  /** How many clients have been let in. */
  readonly clients: () => number;
  /** How often a client got another connection than the one it had before. */
  readonly switches: () => number;
  readonly stop: () => Promise<void>;
}

interface ServerConnection {
  readonly socket: Socket;
  /** Whose transaction it carries. */
  client: Client | undefined;
}

interface Client {
  readonly socket: Socket;
  server: ServerConnection | undefined;
  last: ServerConnection | undefined;
  /** What waits for a connection. */
  readonly waiting: Buffer[];
  /** Requests that the server has not said "ready" to yet. */
  unanswered: number;
}

export async function startPooler(serverUrl: string, size: number): Promise<Pooler> {
  const { hostname, port } = new URL(serverUrl);
  const sockets = new Set<Socket>();
  const idle: ServerConnection[] = [];
  const queue: Client[] = [];
  let [opened, letIn, switches] = [0, 0, 0];
  /** What the server said of itself at a connection's start: told to clients that get none of their own. */
  let greeting: Promise<Buffer> | undefined;

  function watch(socket: Socket): Socket {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    return socket;
  }

  /** Opens a connection with the client's own sign-in; the client is its first user. */
  function open(client: Client, startup: Buffer, fromClient: (handler: (message: Buffer) => void) => void) {
    opened += 1;
    const server: ServerConnection = { socket: watch(connect(Number(port), hostname)), client };
    let isIn = false;
    const said: Buffer[] = [];
    const promised = Promise.withResolvers<Buffer>();
    greeting ??= promised.promise;
    server.socket.write(startup);
    fromClient((message) => server.socket.write(message));
    const read = createReader(false);
    server.socket.on("data", (data: Buffer) => {
      for (const message of read(data)) {
        const type = String.fromCharCode(message[0] ?? 0);
        server.client?.socket.write(message);
        if (!isIn && (type === "S" || type === "K" || isAuthenticated(message))) said.push(message);
        if (type !== "Z") continue;
        if (!isIn) {
          isIn = true;
          promised.resolve(Buffer.concat([...said, message]));
          fromClient((later) => send(client, later));
          free(server);
        } else if (server.client !== undefined) {
          server.client.unanswered -= 1;
          // "I": not in a transaction.
          if (server.client.unanswered === 0 && String.fromCharCode(message[5] ?? 0) === "I") free(server);
        }
      }
    });
    server.socket.on("close", () => server.client?.socket.destroy());
  }

  function free(server: ServerConnection): void {
    if (server.client !== undefined) server.client.server = undefined;
    server.client = undefined;
    idle.push(server);
    assign();
  }

  /** Whoever has waited longest gets the connection that has been idle longest, so that they change as often as can be. */
  function assign(): void {
    while (queue.length > 0 && idle.length > 0) {
      const [client, server] = [queue.shift(), idle.shift()];
      if (client === undefined || server === undefined) return;
      server.client = client;
      client.server = server;
      if (client.last !== undefined && client.last !== server) switches += 1;
      client.last = server;
      for (const message of client.waiting.splice(0)) server.socket.write(message);
    }
  }

  function send(client: Client, message: Buffer): void {
    const type = String.fromCharCode(message[0] ?? 0);
    if (type === "X") {
      client.socket.end();
      return;
    }
    if (type === "Q" || type === "S") client.unanswered += 1;
    if (client.server !== undefined) {
      client.server.socket.write(message);
      return;
    }
    client.waiting.push(message);
    if (!queue.includes(client)) queue.push(client);
    assign();
  }

  const listener = createServer((socket) => {
    watch(socket);
    letIn += 1;
    const client: Client = { socket, server: undefined, last: undefined, waiting: [], unanswered: 0 };
    let handle = (message: Buffer): void => {
      if (opened < size) {
        open(client, message, (handler) => (handle = handler));
        return;
      }
      handle = (later) => send(client, later);
      void greeting?.then((said) => socket.write(said));
    };
    const read = createReader(true);
    socket.on("data", (data: Buffer) => {
      for (const message of read(data)) handle(message);
    });
    socket.on("close", () => {
      if (queue.includes(client)) queue.splice(queue.indexOf(client), 1);
      // A transaction that its client has left is not given to another.
      client.server?.socket.destroy();
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("The pooler got no port.");
  const url = new URL(serverUrl);
  url.port = String(address.port);
  return {
    url: url.href,
    connections: () => opened,
    clients: () => letIn,
    switches: () => switches,
    async stop() {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** "R" with 0: the server asks for no more. */
function isAuthenticated(message: Buffer): boolean {
  return message[0] === 0x52 && message.readUInt32BE(5) === 0;
}
