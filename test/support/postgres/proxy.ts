import { createServer, connect } from "node:net";
import type { Socket } from "node:net";

/**
 * Stands between the function and PostgreSQL, reads along, and can hold or break the connection at a chosen change. A
 * change is what others can see: a commit, or a write outside a transaction.
 */
export interface DatabaseProxy {
  /** The connection string that leads through it. */
  readonly url: string;
  /** Every statement that came through, oldest first. */
  readonly statements: readonly string[];
  /** Those that were prepared under a name of their own, for later requests on the same connection. */
  readonly kept: readonly string[];
  /**
   * Lets `skip` changes pass and stops at the next one: "before" withholds it from the server, "after" withholds the
   * server's answer once it is done. Resolves when it has come to that; from then on nothing passes in this connection.
   */
  readonly holdAt: (skip: number, side: "before" | "after") => Promise<void>;
  /** As `holdAt`, but breaks every connection there and takes no new one until `mend`. */
  readonly cutAt: (skip: number, side: "before" | "after") => Promise<void>;
  /** Breaks every connection now. */
  readonly cut: () => void;
  /** Forgets what was armed; connections are taken again. */
  readonly mend: () => void;
  readonly stop: () => Promise<void>;
}

interface Trap {
  left: number;
  readonly side: "before" | "after";
  readonly spring: () => void;
}

export async function startDatabaseProxy(serverUrl: string): Promise<DatabaseProxy> {
  const { hostname, port } = new URL(serverUrl);
  const statements: string[] = [];
  const kept: string[] = [];
  const sockets = new Set<Socket>();
  let trap: Trap | undefined;
  let isAway = false;

  const server = createServer((client) => {
    if (isAway) {
      client.destroy();
      return;
    }
    const upstream = connect(Number(port), hostname);
    const prepared = new Map<string, string>();
    let isIn = false;
    let isHeld = false;
    let awaitsEnd: Trap | undefined;
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      // Messages are passed on one by one, and must not wait for each other's acknowledgements.
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    const fromClient = createReader(true);
    client.on("data", (data: Buffer) => {
      for (const message of fromClient(data)) {
        if (isHeld) return;
        const text = statementIn(message, prepared, kept);
        if (text !== undefined) {
          statements.push(text);
          const isVisible = /^commit/i.test(text) || (!isIn && writes.test(text) && !isNoise(text));
          if (/^begin/i.test(text)) isIn = true;
          if (/^(?:commit|rollback)/i.test(text)) isIn = false;
          if (isVisible && trap !== undefined) {
            if (trap.left > 0) trap.left -= 1;
            else {
              const sprung = trap;
              trap = undefined;
              if (sprung.side === "before") {
                isHeld = true;
                sprung.spring();
                return;
              }
              awaitsEnd = sprung;
            }
          }
        }
        upstream.write(message);
      }
    });
    const fromServer = createReader(false);
    let isComplete = false;
    upstream.on("data", (data: Buffer) => {
      for (const message of fromServer(data)) {
        if (isHeld) return;
        const type = String.fromCharCode(message[0] ?? 0);
        if (awaitsEnd !== undefined && type === "C") isComplete = true;
        // A write outside a transaction is done when the server is ready for the next, not when it says how many rows.
        if (awaitsEnd !== undefined && type === "Z" && isComplete) {
          isHeld = true;
          awaitsEnd.spring();
          return;
        }
        client.write(message);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The proxy got no port.");
  const url = new URL(serverUrl);
  url.port = String(address.port);

  function cut(): void {
    isAway = true;
    for (const socket of sockets) socket.destroy();
  }
  function arm(left: number, side: "before" | "after", act: () => void): Promise<void> {
    return new Promise((resolve) => {
      trap = {
        left,
        side,
        spring() {
          act();
          resolve();
        },
      };
    });
  }
  return {
    url: url.href,
    statements,
    kept,
    holdAt: (skip, side) => arm(skip, side, () => undefined),
    cutAt: (skip, side) => arm(skip, side, cut),
    cut,
    mend() {
      trap = undefined;
      isAway = false;
    },
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

const writes = /^\s*(?:insert|update|delete|with)\b/i;

/** Counting requests, forgetting old counts, erasing old copies and naming the deployment are no steps of a verb. */
function isNoise(text: string): boolean {
  return (
    text.includes('"deployment"') ||
    text.includes('"request_counts"') ||
    text.includes('"sealed_until" <=') ||
    text.includes('"last_used_at"')
  );
}

/** The SQL that a Query or Bind message has executed; a statement is prepared once and bound often. */
function statementIn(message: Buffer, prepared: Map<string, string>, kept: string[]): string | undefined {
  const type = String.fromCharCode(message[0] ?? 0);
  const [first, from] = textAt(message, 5);
  if (type === "Q") return first;
  if (type === "P") {
    const [text] = textAt(message, from);
    prepared.set(first, text);
    if (first !== "") kept.push(text);
  }
  return type === "B" ? prepared.get(textAt(message, from)[0]) : undefined;
}

function textAt(message: Buffer, from: number): readonly [text: string, next: number] {
  const end = message.indexOf(0, from);
  return [message.subarray(from, end).toString(), end + 1];
}

/** Cuts a stream into whole messages. A client's first one has no type; all others begin with one. */
export function createReader(hasStartup: boolean): (data: Buffer) => readonly Buffer[] {
  let rest = Buffer.alloc(0);
  let isFirst = hasStartup;
  return (data) => {
    rest = Buffer.concat([rest, data]);
    const whole: Buffer[] = [];
    for (;;) {
      const head = isFirst ? 0 : 1;
      if (rest.length < head + 4) return whole;
      const length = head + rest.readUInt32BE(head);
      if (rest.length < length) return whole;
      whole.push(rest.subarray(0, length));
      rest = rest.subarray(length);
      isFirst = false;
    }
  };
}
